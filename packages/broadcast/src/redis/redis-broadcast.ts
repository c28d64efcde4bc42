/** The Redis engine: what is said on the bus goes through Redis pub/sub, sharded where Redis is a Cluster. */
import { ImError } from '@im/protocol';
import type { Broadcast } from '../broadcast.js';
import { openPubSubBroadcast, type PubSubBroadcastOptions } from '../pubsub/pubsub-broadcast.js';
import type { PubSubLink } from '../pubsub/pubsub-link.js';
import { openClusterLink } from './cluster-link.js';
import { nodesOf, type RedisAddress, type RedisNode } from './redis-address.js';
import { openRedisLink } from './redis-link.js';

export interface RedisBroadcastOptions extends PubSubBroadcastOptions {
  readonly redis: RedisAddress;
  /** Begins the name of every channel, so that systems can share a Redis. Default `im:`. */
  readonly prefix?: string;
}

/**
 * Settles when Redis is connected. Later it may go and come: publishers are answered UNAVAILABLE meanwhile, and
 * subscribers are told when it is back (`onRestored`, `onLoss`).
 * @throws ImError UNAVAILABLE, CONFIG_INVALID within seconds, with one line that says where and why
 */
export function createRedisBroadcast(options: RedisBroadcastOptions): Promise<Broadcast> {
  const { redis, prefix = 'im:', ...rest } = options;
  const nodes = nodesOf(redis);
  return openPubSubBroadcast(
    {
      name: `Redis at ${nodes.map(({ name }) => name).join(', ')}`,
      open: (_role, onMessage) => openAny(nodes, onMessage),
      channelOf: (topic) => prefix + topic,
      topicOfChannel: (channel) => (channel.startsWith(prefix) ? channel.slice(prefix.length) : undefined),
    },
    rest,
  );
}

/** By the first node that answers. */
async function openAny(
  nodes: readonly [RedisNode, ...RedisNode[]],
  onMessage: (channel: string, bytes: Buffer) => void,
): Promise<PubSubLink> {
  let failure: unknown;
  for (const node of nodes) {
    try {
      return await openBy(node, onMessage);
    } catch (error) {
      failure = error;
    }
  }
  throw ImError.wrap(failure);
}

async function openBy(node: RedisNode, onMessage: (channel: string, bytes: Buffer) => void): Promise<PubSubLink> {
  const link = await openRedisLink(node, onMessage);
  const slots = await link.slots(node.name.replace(/:\d+$/, ''));
  if (slots === undefined) return link;
  // It is one of the masters, or none of them: each gets a connection below.
  await link.close();
  return openClusterLink(node, slots, onMessage);
}
