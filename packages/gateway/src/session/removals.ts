/**
 * What the server has removed a user from while nobody listened: the `$kick` messages in the log of `u:<user>` after a
 * position (PR-92, PR-93).
 */
import { type Delivery, type Effect, KICK_EVENT, type Position } from '@im/protocol';
import { EffectsMistake, readEffect } from '../call/effects.js';
import type { GroupFeed } from '../feed/group-feed.js';
import type { LogAccess } from '../feed/log-access.js';

export type Kick = Extract<Effect, { type: 'kick' }> & {
  /** Only this session was meant; absent means all of the user's. */
  readonly session?: string;
  /** The gateway that decided it, and applied it there. */
  readonly origin?: string;
};

const PAGE = 512;
/** Entries read at most; a session that has more behind it enters its groups by calls. */
const MAX_ENTRIES = 4_096;

/** The kick that a message to `u:<user>` carries; undefined for any other message and for nonsense. */
export function readKick({ event, body }: Pick<Delivery, 'event' | 'body'>): Kick | undefined {
  if (event !== KICK_EVENT) return undefined;
  try {
    const value = JSON.parse(Buffer.from(body.buffer, body.byteOffset, body.length).toString('utf8')) as unknown;
    const effect = readEffect(value);
    if (effect instanceof EffectsMistake || effect.type !== 'kick') return undefined;
    const { session, origin } = value as { session?: unknown; origin?: unknown };
    return {
      ...effect,
      ...(typeof session === 'string' && { session }),
      ...(typeof origin === 'string' && { origin }),
    };
  } catch {
    return undefined;
  }
}

/**
 * All kicks after the position, up to where the feed stands when this settles; undefined when the log cannot prove that
 * none is missing. Never throws.
 */
export async function kicksSince(position: Position, feed: GroupFeed, log: LogAccess): Promise<Kick[] | undefined> {
  const kicks: Kick[] = [];
  let after = position.version;
  while (after < position.version + MAX_ENTRIES) {
    const { epoch, version } = feed.position;
    if (epoch !== position.epoch || after > version) return undefined;
    if (after === version) return kicks;
    const page = await log.read(feed.group, after, PAGE).catch(() => undefined);
    const last = page?.entries.at(-1);
    if (!page || !last || page.epoch !== epoch || page.first > after + 1) return undefined;
    for (const entry of page.entries) {
      const kick = readKick(entry);
      if (kick) kicks.push(kick);
    }
    after = last.version;
  }
  return undefined;
}
