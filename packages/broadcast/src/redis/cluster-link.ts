/**
 * A link to a Redis Cluster, by sharded pub/sub: a connection to each master, channels by slot. When one of them is lost or
 * a slot moves, all of it is, and whoever holds it makes another with the slots as they then are.
 */
import { ImError } from '@im/protocol';
import type { PubSubLink, PubSubMessage } from '../pubsub/pubsub-link.js';
import { type RedisNode, sibling } from './redis-address.js';
import { openRedisLink, type RedisLink } from './redis-link.js';
import { type SlotMap, slotOf } from './slots.js';

/** @throws ImError UNAVAILABLE, CONFIG_INVALID */
export async function openClusterLink(
  node: RedisNode,
  { masters, owners }: SlotMap,
  onMessage: (channel: string, bytes: Buffer) => void,
): Promise<PubSubLink> {
  if (masters.length === 0)
    throw new ImError('UNAVAILABLE', { message: `the Cluster at ${node.name} has no slots yet` });
  const opened = await Promise.allSettled(
    masters.map(({ host, port }) => openRedisLink(sibling(node, host, port), onMessage)),
  );
  const links = opened.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
  const failure = opened.find((each) => each.status === 'rejected');
  if (failure !== undefined) {
    await Promise.all(links.map((link) => link.close()));
    throw ImError.wrap(failure.reason);
  }
  for (const link of links) link.isSharded = true;
  return new ClusterLink(links, owners);
}

class ClusterLink implements PubSubLink {
  readonly lost: Promise<unknown>;
  readonly #links: readonly RedisLink[];
  readonly #owners: Int16Array;

  constructor(links: readonly RedisLink[], owners: Int16Array) {
    this.#links = links;
    this.#owners = owners;
    this.lost = Promise.race(links.map((link) => link.lost)).then(async (cause) => {
      await this.close();
      return cause;
    });
  }

  async publish(messages: readonly PubSubMessage[]): Promise<ReadonlyMap<number, Error>> {
    const refused = new Map<number, Error>();
    const places = new Map<RedisLink, number[]>();
    messages.forEach(({ channel }, place) => {
      const link = this.#linkOf(slotOf(channel));
      if (link === undefined) refused.set(place, unowned());
      else if (places.get(link)?.push(place) === undefined) places.set(link, [place]);
    });
    const answers = [...places].map(async ([link, own]) => {
      const refusals = await link.publish(own.flatMap((place) => messages[place] ?? []));
      for (const [index, error] of refusals) refused.set(own[index] as number, error);
    });
    await Promise.all(answers);
    return refused;
  }

  async subscribe(channels: readonly string[]): Promise<Error | undefined> {
    const answers = [...bySlot(channels)].map(async ([slot, own]) => {
      const link = this.#linkOf(slot);
      if (link !== undefined) return link.subscribe(own);
      // Somebody will have it: the next link knows who.
      await this.close();
      throw unowned();
    });
    return (await Promise.all(answers)).find((refusal) => refusal !== undefined);
  }

  unsubscribe(channels: readonly string[]): void {
    for (const [slot, own] of bySlot(channels)) this.#linkOf(slot)?.unsubscribe(own);
  }

  check(): void {
    for (const link of this.#links) link.check();
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
  }

  #linkOf(slot: number): RedisLink | undefined {
    return this.#links[this.#owners[slot] ?? -1];
  }
}

function bySlot(channels: readonly string[]): ReadonlyMap<number, readonly string[]> {
  const slots = new Map<number, string[]>();
  for (const channel of channels) {
    const slot = slotOf(channel);
    const known = slots.get(slot);
    if (known === undefined) slots.set(slot, [channel]);
    else known.push(channel);
  }
  return slots;
}

function unowned(): ImError {
  return new ImError('UNAVAILABLE', { message: 'no node of the Redis Cluster has the slot' });
}
