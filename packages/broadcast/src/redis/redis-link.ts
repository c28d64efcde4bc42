/** One connection to one Redis that publishes or subscribes. Owns commands and what their failures mean; must not know what is carried. */
import { ImError } from '@im/protocol';
import { Redis } from 'ioredis';
import type { PubSubLink, PubSubMessage } from '../pubsub/pubsub-link.js';
import type { RedisNode } from './redis-address.js';
import { readSlots, type SlotMap } from './slots.js';

/** So long until it stands, or the attempt has failed. */
const CONNECT_TIMEOUT_MS = 5_000;
/** A server that leaves a command unanswered for so long is given up. */
const ANSWER_TIMEOUT_MS = 5_000;

const DEFAULTS = { connectTimeout: CONNECT_TIMEOUT_MS, socketTimeout: ANSWER_TIMEOUT_MS };

/** Whoever holds the link makes another; this one ends with its connection. */
const ENDS_WITH_ITS_CONNECTION = {
  lazyConnect: true,
  retryStrategy: null,
  enableOfflineQueue: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  replyMapping: 'legacy',
} as const;

/** @throws ImError UNAVAILABLE, CONFIG_INVALID */
export async function openRedisLink(
  { name, address }: RedisNode,
  onMessage: (channel: string, bytes: Buffer) => void,
): Promise<RedisLink> {
  const redis =
    typeof address === 'string'
      ? new Redis(address, { ...DEFAULTS, ...ENDS_WITH_ITS_CONNECTION })
      : new Redis({ ...DEFAULTS, ...address, ...ENDS_WITH_ITS_CONNECTION });
  let failure: unknown;
  const lost = new Promise<unknown>((resolve) => redis.once('end', () => resolve(failure)));
  redis.on('error', (error: unknown) => {
    failure = error;
  });
  const receive = (channel: Buffer, bytes: Buffer) => onMessage(channel.toString('latin1'), bytes);
  redis.on('messageBuffer', receive);
  redis.on('smessageBuffer', receive);
  try {
    await redis.connect();
  } catch (error) {
    redis.disconnect();
    throw connectError(name, failure ?? error);
  }
  return new RedisLink(redis, lost);
}

export class RedisLink implements PubSubLink {
  readonly lost: Promise<unknown>;
  /** Channels of one slot are one shard's business; elsewhere every node carries every message. */
  isSharded = false;
  readonly #redis: Redis;

  constructor(redis: Redis, lost: Promise<unknown>) {
    this.#redis = redis;
    this.lost = lost;
    // The channel's slot moved to another node.
    redis.on('moved', () => redis.disconnect());
  }

  /** Undefined where Redis is no Cluster. @param asked its address */
  async slots(asked: string): Promise<SlotMap | undefined> {
    const info = await this.#redis.info('cluster').catch(() => '');
    if (!info.includes('cluster_enabled:1')) return undefined;
    return readSlots(await this.#redis.cluster('SLOTS'), asked);
  }

  async publish(messages: readonly PubSubMessage[]): Promise<ReadonlyMap<number, Error>> {
    const refused = new Map<number, Error>();
    const [only] = messages;
    if (only === undefined) return refused;
    if (messages.length === 1) {
      try {
        await (this.isSharded
          ? this.#redis.spublish(only.channel, only.bytes)
          : this.#redis.publish(only.channel, only.bytes));
      } catch (error) {
        refused.set(0, this.#refusal(error));
      }
      return refused;
    }
    const pipeline = this.#redis.pipeline();
    for (const { channel, bytes } of messages) {
      if (this.isSharded) pipeline.spublish(channel, bytes);
      else pipeline.publish(channel, bytes);
    }
    const results = await pipeline.exec();
    results?.forEach(([error], place) => {
      if (error !== null) refused.set(place, this.#refusal(error));
    });
    return refused;
  }

  /** Where it is sharded: of one slot. */
  async subscribe(channels: readonly string[]): Promise<Error | undefined> {
    try {
      await (this.isSharded ? this.#redis.ssubscribe(...channels) : this.#redis.subscribe(...channels));
      return undefined;
    } catch (error) {
      return this.#refusal(error);
    }
  }

  unsubscribe(channels: readonly string[]): void {
    const answered = this.isSharded ? this.#redis.sunsubscribe(...channels) : this.#redis.unsubscribe(...channels);
    answered.catch(() => {
      // Lost with the connection, and what is not wanted is not subscribed on the next.
    });
  }

  check(): void {
    // An answer that does not come ends the connection.
    this.#redis.ping().catch(() => {});
  }

  async close(): Promise<void> {
    this.#redis.disconnect();
    await this.lost;
  }

  /** @throws what it is given unless the server answered it: then the link is lost, and with it what was sent. */
  #refusal(error: unknown): Error {
    if (error instanceof Error && error.name === 'ReplyError' && !MOVES.test(error.message)) return error;
    this.#redis.disconnect();
    throw error;
  }
}

/** The Cluster changes: who has the slot is to be asked again. */
const MOVES = /^(MOVED|ASK|CLUSTERDOWN|TRYAGAIN) /;

function connectError(name: string, cause: unknown): ImError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  if (/^(WRONGPASS|NOAUTH|NOPERM)|invalid password/i.test(reason)) {
    return new ImError('CONFIG_INVALID', { message: `Redis at ${name} refused the user name or password`, cause });
  }
  return new ImError('UNAVAILABLE', { message: `Redis at ${name} cannot be reached: ${reason}`, cause });
}
