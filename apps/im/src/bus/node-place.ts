/** Owns: where broadcast nodes are: the settings that all who publish or subscribe share. */
import type { NodeDirectory } from '@im/broadcast/zeromq';
import type { ClusterMember } from '@im/cluster/zeromq';
import { type Config, type Settings, setting } from '@im/runtime';
import { z } from 'zod';
import { clusterSettings } from '../cluster/cluster-place.js';
import { CommandError } from '../command.js';
import type { Role } from '../role.js';
import { type BrokerPlace, readUpFile } from '../rpc/broker-place.js';
import type { engine } from '../settings.js';
import { nodeAddress } from './node-address.js';

export const nodeSettings = {
  node: setting(z.array(nodeAddress).default([]), {
    description:
      'the broadcast nodes; default: those that the node managers know, else those of `im up` on this data folder',
    placeholder: 'addresses',
  }),
  ...clusterSettings,
} satisfies Settings;

export interface NodePlace {
  /** As people name them, or those of the topology, as it changes. */
  readonly nodes: readonly string[] | NodeDirectory;
  /** Undefined without node managers. */
  readonly member: ClusterMember | undefined;
}

/** Joins the cluster if there are node managers. @throws CommandError, naming the flag that helps */
export async function findNodes(
  config: Config<typeof nodeSettings & { engine: typeof engine }> & { readonly dataFolder: string },
  keys: BrokerPlace['keys'],
  role: Role,
): Promise<NodePlace> {
  const { node, manager } = config;
  if (manager.length > 0) {
    const [{ broadcastNodes }, { openMembership }] = await Promise.all([
      import('@im/cluster'),
      import('../cluster/membership.js'),
    ]);
    const member = await openMembership({ managers: manager, keys, ...role });
    return { nodes: node.length > 0 ? node : broadcastNodes(member), member };
  }
  if (node.length > 0 || config.engine !== 'zeromq') return { nodes: node, member: undefined };
  const { nodes = [], engine } = await readUpFile(config.dataFolder);
  if (engine !== undefined && engine !== 'zeromq')
    throw new CommandError(`im up carries messages by ${engine} there: say --engine ${engine}, and where it is`);
  if (nodes.length === 0) throw new CommandError('no broadcast nodes are known: name them with --node, or --manager');
  return { nodes, member: undefined };
}

/** For logs. */
export function namesOf(nodes: NodePlace['nodes']): readonly string[] {
  return 'onChange' in nodes ? nodes.nodes.map(({ id }) => id) : nodes;
}
