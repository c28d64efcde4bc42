/** Owns: which engine carries messages, and where it is: the settings that all who publish or subscribe share. */
import type { ClusterMember } from '@im/cluster/zeromq';
import { type Config, ConfigError, type ConfigMistake, type Settings } from '@im/runtime';
import type { Role } from '../role.js';
import type { BrokerPlace } from '../rpc/broker-place.js';
import { engine, nats, redis } from '../settings.js';
import { findNodes, type NodePlace, namesOf, nodeSettings } from './node-place.js';

export const busSettings = { engine, redis, nats, ...nodeSettings } satisfies Settings;

export type BusConfig = Pick<Config<typeof busSettings>, 'engine' | 'redis' | 'nats'>;

/** With ZeroMQ broadcast nodes append to the logs; with the others whoever publishes. */
export type BusPlace =
  | {
      readonly engine: 'zeromq';
      readonly nodes: NodePlace['nodes'];
      /** Where the logs are; undefined: in the one broadcast node. */
      readonly redis: string | undefined;
    }
  | { readonly engine: 'redis'; readonly redis: string }
  | { readonly engine: 'nats'; readonly nats: string; readonly redis: string };

/** Joins the cluster if there are node managers. @throws ConfigError, CommandError, naming the flag that helps */
export async function findBus(
  config: Config<typeof busSettings> & { readonly dataFolder: string },
  keys: BrokerPlace['keys'],
  role: Role,
): Promise<{ readonly bus: BusPlace; readonly member: ClusterMember | undefined }> {
  const mistakes = engineMistakes(config);
  const { engine, redis, nats } = config;
  if (engine !== 'zeromq' && redis === undefined) mistakes.push(missing('redis', engine, 'the logs'));
  if (engine === 'nats' && nats === undefined) mistakes.push(missing('nats', engine, 'messages'));
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  const { nodes, member } = await findNodes(config, keys, role);
  switch (engine) {
    case 'zeromq':
      return { bus: { engine, nodes, redis }, member };
    case 'redis':
      return { bus: { engine, redis: redis as string }, member };
    case 'nats':
      return { bus: { engine, nats: nats as string, redis: redis as string }, member };
  }
}

/** What does not go together, whoever is asked. */
export function engineMistakes({ engine, nats }: BusConfig): ConfigMistake[] {
  if (nats === undefined || engine === 'nats') return [];
  return [{ path: 'nats', expected: 'used with --engine nats only: set that, or leave --nats and IM_NATS out' }];
}

function missing(path: 'redis' | 'nats', engine: string, what: string): ConfigMistake {
  const variable = `IM_${path.toUpperCase()}`;
  return { path, expected: `needed for --engine ${engine}, which has ${what} there: set --${path} or ${variable}` };
}

/** For logs. */
export function describeBus(bus: BusPlace): Readonly<Record<string, unknown>> {
  return bus.engine === 'zeromq' ? { nodes: namesOf(bus.nodes) } : { engine: bus.engine };
}
