/** The NATS engine: what is said on the bus goes through core NATS. */
import type { ConnectionOptions } from 'nats';
import type { Broadcast } from '../broadcast.js';
import { openPubSubBroadcast, type PubSubBroadcastOptions } from '../pubsub/pubsub-broadcast.js';
import { openNatsLink } from './nats-link.js';

export interface NatsBroadcastOptions extends PubSubBroadcastOptions {
  /** `nats://user:password@host:4222`, one or several of one cluster; or what the client takes. */
  readonly nats: string | readonly string[] | ConnectionOptions;
  /** Begins every subject, so that systems can share a server. Default `im.`. */
  readonly prefix?: string;
}

/**
 * Settles when NATS is connected. Later it may go and come: publishers are answered UNAVAILABLE meanwhile, and
 * subscribers are told when it is back (`onRestored`, `onLoss`).
 * @throws ImError UNAVAILABLE, CONFIG_INVALID within seconds, with one line that says where and why
 */
export function createNatsBroadcast(options: NatsBroadcastOptions): Promise<Broadcast> {
  const { nats, prefix = 'im.', ...rest } = options;
  const parsed = typeof nats === 'string' || isList(nats) ? optionsOf([nats].flat()) : nats;
  const name = `NATS at ${[parsed.servers ?? 'localhost:4222'].flat().join(', ')}`;
  return openPubSubBroadcast(
    {
      name,
      open: (_role, onMessage) => openNatsLink(parsed, name, onMessage),
      channelOf: (topic) => prefix + topic,
      topicOfChannel: (channel) => (channel.startsWith(prefix) ? channel.slice(prefix.length) : undefined),
    },
    rest,
  );
}

function isList(nats: readonly string[] | ConnectionOptions): nats is readonly string[] {
  return Array.isArray(nats);
}

/** The client reads no user and password from addresses. */
function optionsOf(addresses: readonly string[]): ConnectionOptions {
  const options: ConnectionOptions = { servers: [] };
  const servers: string[] = [];
  for (const address of addresses) {
    const url = new URL(address.includes('://') ? address : `nats://${address}`);
    servers.push(url.host);
    if (url.protocol === 'tls:') options.tls = {};
    const user = decodeURIComponent(url.username);
    const password = decodeURIComponent(url.password);
    if (user === '') continue;
    if (password === '') options.token = user;
    else Object.assign(options, { user, pass: password });
  }
  return { ...options, servers };
}
