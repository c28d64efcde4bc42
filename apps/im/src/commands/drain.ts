/** `im drain`: takes a gateway away, wherever it runs: its clients move to the others, then it ends. */
import { setTimeout as wait } from 'node:timers/promises';
import type { DrainOrder, JournalEntry, ManagerStatus } from '@im/cluster';
import { setting } from '@im/runtime';
import { z } from 'zod';
import { type DrainProgress, gatewayNamed, progressOf } from '../cluster/drain-progress.js';
import { ManagerAway, ManagerClient } from '../cluster/manager-client.js';
import { CommandError, defineCommand } from '../command.js';
import { dataFolder, loggingSettings } from '../settings.js';

const LOOK_MS = 250;
/** Beside the window: until everybody knows, calls that are answered late, and the start of the next run. */
const SLACK_MS = 60_000;
/** How long a manager may be away meanwhile. */
const AWAY_MS = 10_000;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

export const drain = defineCommand({
  name: 'drain',
  summary: 'takes a gateway away: its clients move to the others, each at its own time, then it ends',
  settings: {
    gateway: setting(z.string().min(1), {
      description: 'its id, as node managers call it, or a part of it that no other has: gateway-2',
      operand: true,
    }),
    window: setting(
      z
        .string()
        .regex(/^\d{1,7}(ms|s|m)$/)
        .describe('10s, 500ms, 2m')
        .default('10s'),
      { description: 'within which clients move, at most an hour; 0s: all at once', placeholder: 'duration' },
    ),
    restart: setting(z.boolean().default(false), {
      description: 'it ends so that its supervisor starts it again, for updates; waits until it is back',
    }),
    anyway: setting(z.boolean().default(false), {
      description: 'also when no other gateway takes clients: they come back to whatever is started next',
    }),
    cancel: setting(z.boolean().default(false), {
      description: 'it takes clients again, and keeps those who were not asked to move yet',
    }),
    managerUrl: setting(z.url({ protocol: /^https?$/ }).optional(), {
      description: 'a node manager; default: that of im up on this data folder',
      placeholder: 'url',
    }),
    dataFolder: { ...dataFolder, description: 'of im up, or of the node manager: the admin token is there' },
    adminToken: setting(z.string().min(16).optional(), {
      description: 'instead of the one in the data folder',
      secret: true,
    }),
    json: { ...loggingSettings.json, description: 'print JSON lines, for scripts' },
  },
  examples: [
    ['im drain gateway-2', 'of the im up on this data folder, within ten seconds'],
    [
      'im drain host7-gateway-8080 --window 2m --manager-url http://10.0.0.5:7680',
      'of any host; IM_ADMIN_TOKEN is set',
    ],
    ['im drain gateway-1 --restart && im drain gateway-2 --restart', 'an update, gateway by gateway'],
    ['im drain gateway-2 --cancel', 'it stays after all'],
  ],
  async run(config, { print }) {
    const manager = await ManagerClient.find(config);
    const status = await manager.ask<ManagerStatus>('GET', '/v1/nodes');
    const node = nameOf(config.gateway, status);
    const tell = (what: object, text: string): void => print(config.json ? `${JSON.stringify(what)}\n` : `${text}\n`);
    if (config.cancel) {
      await manager.ask('POST', '/v1/nodes/keep', { node });
      tell({ gateway: node, outcome: 'kept' }, `${node} takes clients again`);
      return;
    }
    const windowMs = millisecondsOf(config.window);
    const { restart, anyway } = config;
    const query = { node, windowMs: String(windowMs), restart: String(restart), anyway: String(anyway) };
    const order = await manager.ask<DrainOrder>('POST', '/v1/nodes/drain', query);
    const begun = performance.now();
    let left: number | undefined;
    for await (const progress of watch(manager, order, windowMs + SLACK_MS)) {
      if (progress.kind === 'draining' && progress.clients !== undefined && progress.clients !== left) {
        left = progress.clients;
        tell({ gateway: node, clients: left }, `${node}: ${left} ${left === 1 ? 'client' : 'clients'} left`);
      }
      const failure = failureOf(progress, left);
      if (failure !== undefined) {
        if (config.json) print(`${JSON.stringify({ gateway: node, outcome: progress.kind, clients: left })}\n`);
        throw new CommandError(`${node} ${failure}`, 1);
      }
      if (progress.kind !== 'back' && (progress.kind !== 'gone' || restart)) continue;
      const seconds = Math.round((performance.now() - begun) / 100) / 10;
      const end = progress.kind === 'back' ? 'was emptied and is back' : 'is gone';
      tell({ gateway: node, outcome: progress.kind, seconds }, `${node} ${end}, after ${seconds} s`);
      return;
    }
    throw new CommandError(`${node} still drains; it goes on with it all the same`, 1);
  },
});

/** Until the time is over. @throws CommandError when the manager is away for long, or refuses */
async function* watch(manager: ManagerClient, order: DrainOrder, timeoutMs: number): AsyncGenerator<DrainProgress> {
  const begun = performance.now();
  let heardAt = begun;
  while (performance.now() - begun < timeoutMs) {
    try {
      // In this order: whoever has left is in the journal.
      const status = await manager.ask<ManagerStatus>('GET', '/v1/nodes');
      const { entries } = await manager.ask<{ entries: JournalEntry[] }>('GET', '/v1/journal');
      heardAt = performance.now();
      yield progressOf(order, status, entries);
    } catch (error) {
      if (!(error instanceof ManagerAway) || performance.now() - heardAt > AWAY_MS) throw error;
    }
    await wait(LOOK_MS);
  }
}

function failureOf({ kind }: DrainProgress, left: number | undefined): string | undefined {
  if (kind === 'died') return `died before it was empty: ${left ?? 'its'} clients come back by themselves`;
  return kind === 'overruled' ? 'is under another order now' : undefined;
}

function millisecondsOf(window: string): number {
  const [, count, unit = ''] = /^(\d+)(\D+)$/.exec(window) ?? [];
  return Number(count) * (UNITS[unit] as number);
}

/** @throws CommandError */
function nameOf(name: string, status: ManagerStatus): string {
  try {
    return gatewayNamed(name, status);
  } catch (error) {
    throw new CommandError((error as Error).message, 1, { cause: error });
  }
}
