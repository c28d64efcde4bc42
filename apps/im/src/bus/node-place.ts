/** Owns: where broadcast nodes are: the settings that all who publish or subscribe share. */
import { type Config, type Settings, setting } from '@im/runtime';
import { z } from 'zod';
import { CommandError } from '../command.js';
import { readUpFile } from '../rpc/broker-place.js';
import { nodeAddress } from './node-address.js';

export const nodeSettings = {
  node: setting(z.array(nodeAddress).default([]), {
    description: 'the broadcast nodes; default: those of `im up` on this data folder',
    placeholder: 'addresses',
  }),
} satisfies Settings;

/** @returns how people name them @throws CommandError, naming the flag that helps */
export async function findNodes(
  config: Config<typeof nodeSettings> & { readonly dataFolder: string },
): Promise<readonly string[]> {
  if (config.node.length > 0) return config.node;
  const nodes = (await readUpFile(config.dataFolder)).nodes ?? [];
  if (nodes.length === 0) throw new CommandError('no broadcast nodes are known: name them with --node');
  return nodes;
}
