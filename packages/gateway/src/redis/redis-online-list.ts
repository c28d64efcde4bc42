/** Online lists that all gateways share. Owns how members are written and read; telling is the writer's business. */
import { MAX_PAGE, type OnlineList, type OnlineMember, type OnlinePage, type PageOptions } from '@im/groups';
import { ImError } from '@im/protocol';
import type { Clock, Counter } from '@im/protocol/ports';
import type { RedisConnection } from '@im/redis';
import type { OwnSessions } from './own-sessions.js';
import type { PlaceKeys } from './place.js';
import { COUNT, PAGE } from './presence-scripts.js';
import type { PresenceWriter } from './presence-writer.js';

export interface SharedPresence {
  readonly connection: RedisConnection;
  readonly keys: PlaceKeys;
  readonly sessions: OwnSessions;
  readonly writer: PresenceWriter;
  readonly refused: Counter;
  readonly clock: Clock;
}

const CURSOR = /^[0-9a-z]{1,11}$/;

/** After Redis was away processes tell it again whom they have: until then nobody can say who is not there. */
const REFILL_MS = 2_000;

export class RedisOnlineList implements OnlineList {
  readonly #presence: SharedPresence;
  /** By the monotonic clock; once Redis was away. */
  #refilledAt = Number.NEGATIVE_INFINITY;

  constructor(presence: SharedPresence) {
    const { connection, clock } = presence;
    this.#presence = presence;
    let wasAway = false;
    // Lasts as long as the connection.
    connection.onAvailability((available) => {
      if (!available) wasAway = true;
      else if (wasAway) this.#refilledAt = clock.monotonic() + REFILL_MS;
    });
  }

  enter(group: string, session: string, { user, attributes, sinceMs }: OnlineMember): void {
    const { sessions, writer, refused } = this.#presence;
    if (sessions.enter(`g${group}`, session, [user, `${sinceMs}`, JSON.stringify(attributes)])) writer.tell();
    else refused.add();
  }

  leave(group: string, session: string): void {
    const { sessions, writer } = this.#presence;
    sessions.leave(`g${group}`, session);
    writer.tell();
  }

  async count(group: string): Promise<number> {
    return (await this.#count(group))[0];
  }

  async has(group: string, user: string): Promise<boolean> {
    const isThere = (await this.#count(group, user))[1] === 1;
    if (!isThere && this.#presence.clock.monotonic() < this.#refilledAt) {
      throw new ImError('STORE_UNAVAILABLE', { message: 'Redis is back, and is being told who is there; try again' });
    }
    return isThere;
  }

  async page(group: string, { cursor, limit }: PageOptions): Promise<OnlinePage> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
      throw new ImError('INVALID_ARGUMENT', { details: { argument: 'limit', expected: `1 to ${MAX_PAGE}` } });
    }
    if (cursor !== undefined && !CURSOR.test(cursor)) {
      throw new ImError('INVALID_ARGUMENT', { details: { argument: 'cursor' } });
    }
    const { connection, keys } = this.#presence;
    const after = cursor === undefined ? 0 : Number.parseInt(cursor, 36);
    const found = (await connection.run(PAGE, keys.list(group).slice(0, 2), [after, limit + 1])) as Buffer[];
    const members: OnlineMember[] = [];
    for (let i = 0; i < found.length && members.length < limit; i += 3) {
      members.push(memberOf(String(found[i]), String(found[i + 2])));
    }
    if (found.length <= 3 * limit) return { members };
    return { members, cursor: Number(found[3 * limit - 2]).toString(36) };
  }

  async #count(group: string, ...user: readonly string[]): Promise<[number, number]> {
    const { connection, keys } = this.#presence;
    return (await connection.run(COUNT, [keys.list(group)[0]], user)) as [number, number];
  }
}

/** @param shown since when, a space, attributes */
function memberOf(user: string, shown: string): OnlineMember {
  const space = shown.indexOf(' ');
  return { user, attributes: JSON.parse(shown.slice(space + 1)), sinceMs: Number(shown.slice(0, space)) };
}
