/** Owns: the cells of a system as people name them: which is this one, which is the home of which groups, where bridges are. */
import { type Homes, isHomeRule, parseHomes } from '@im/broadcast/bridge';
import type { NodeAddresses } from '@im/broadcast/zeromq';
import { ImError } from '@im/protocol';
import { type Config, ConfigError, type Settings, setting } from '@im/runtime';
import { z } from 'zod';
import { nodeAddress, nodeAddressesOf } from '../bus/node-address.js';

const CELL = /^[a-z][a-z0-9-]{0,31}$/;

export const cellName = z
  .string()
  .regex(CELL)
  .describe('1 to 32 lower-case letters, digits and dashes, the first of them a letter');

export const homeRules = z.array(
  z.string().refine(isHomeRule).describe('pattern=cell, such as r:eu-*=b, or pattern=cell|cell to share out by hash'),
);

const bridgeAddress = z
  .string()
  .refine((text) => nodeAddress.safeParse(text.slice(text.indexOf('=') + 1)).success && CELL.test(cellOf(text)))
  .describe('cell=name@tcp://host:port or cell=name@ipc:///absolute/path');

export const cellSettings = {
  cell: setting(cellName.optional(), {
    description: 'which of several cells this is; without it there is one',
    placeholder: 'name',
  }),
  homes: setting(homeRules.default([]), {
    description: 'the home of each group, the same in all cells; the first that fits counts, the last is *=<cell>',
    placeholder: 'rules',
  }),
  bridge: setting(z.array(bridgeAddress).default([]), {
    description: 'bridges to this cell, each after the cell from which it brings groups',
    placeholder: 'addresses',
  }),
} satisfies Settings;

export interface CellPlace {
  readonly cell: string;
  readonly homes: Homes;
  /** By the cell from which they bring groups; of every other cell that is a home. */
  readonly bridges: ReadonlyMap<string, readonly NodeAddresses[]>;
}

/** @returns undefined where there is one cell @throws ConfigError */
export function findCells({ cell, homes: rules, bridge }: Config<typeof cellSettings>): CellPlace | undefined {
  if (cell === undefined) {
    if (rules.length + bridge.length === 0) return undefined;
    throw mistake('cell', 'the name of this cell, when there are --homes or a --bridge');
  }
  const homes = readHomes(rules);
  const bridges = new Map<string, NodeAddresses[]>();
  for (const text of bridge) {
    const from = cellOf(text);
    bridges.set(from, [...(bridges.get(from) ?? []), nodeAddressesOf(text.slice(from.length + 1))]);
  }
  const unreachable = homes.cells.find((home) => home !== cell && !bridges.has(home));
  if (unreachable !== undefined)
    throw mistake('bridge', `a bridge from cell ${unreachable}, which is the home of groups`);
  const useless = [...bridges.keys()].find((from) => from === cell || !homes.cells.includes(from));
  if (useless !== undefined)
    throw mistake('bridge', `none from cell ${useless}, which is the home of no group elsewhere`);
  return { cell, homes, bridges };
}

/** @throws ConfigError */
export function readHomes(rules: readonly string[]): Homes {
  try {
    return parseHomes(rules);
  } catch (error) {
    throw error instanceof ImError ? mistake('homes', error.message) : error;
  }
}

function cellOf(bridge: string): string {
  return bridge.slice(0, Math.max(0, bridge.indexOf('=')));
}

const mistake = (path: string, expected: string): ConfigError => new ConfigError([{ path, expected }]);
