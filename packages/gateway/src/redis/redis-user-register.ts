/** The user register that all gateways share. Must not know how Redis is told, nor who may ask. */
import type { UserRegister, UserSession } from '../user-register.js';
import { LIVING_WRITERS, READ_RECORD } from './presence-scripts.js';
import type { SharedPresence } from './redis-online-list.js';

export class RedisUserRegister implements UserRegister {
  readonly #presence: SharedPresence;
  readonly #gateway: string;
  /** The user's group of each session that this process entered. */
  readonly #groups = new Map<string, string>();

  constructor(presence: SharedPresence, gateway: string) {
    this.#presence = presence;
    this.#gateway = gateway;
  }

  enter(userGroup: string, { session, device, platform, sinceMs }: Omit<UserSession, 'gateway'>): void {
    const { sessions, writer, refused } = this.#presence;
    const before = this.#groups.get(session);
    if (before !== undefined && before !== userGroup) this.leave(session);
    const record: UserSession = { session, gateway: this.#gateway, device, platform, sinceMs };
    if (!sessions.enter(`u${userGroup}`, session, [JSON.stringify(record)])) {
      refused.add();
      return;
    }
    this.#groups.set(session, userGroup);
    writer.tell();
  }

  leave(session: string): void {
    const { sessions, writer } = this.#presence;
    const userGroup = this.#groups.get(session);
    if (userGroup === undefined) return;
    this.#groups.delete(session);
    sessions.leave(`u${userGroup}`, session);
    writer.tell();
  }

  async sessionsOf(userGroup: string): Promise<readonly UserSession[]> {
    const { connection, keys } = this.#presence;
    const [record, living] = await Promise.all([
      connection.run(READ_RECORD, [keys.record(userGroup)], []) as Promise<Buffer[]>,
      this.#living(),
    ]);
    const found: UserSession[] = [];
    for (let i = 0; i < record.length; i += 2) {
      const [writer = ''] = String(record[i]).split(' ', 1);
      if (living.has(writer)) found.push(JSON.parse(String(record[i + 1])));
    }
    return found.sort((a, b) => a.sinceMs - b.sinceMs);
  }

  async gateways(): Promise<readonly string[]> {
    const living = await this.#living();
    return [...new Set([...living].map((writer) => writer.slice(0, writer.lastIndexOf('.'))))].sort();
  }

  /** Writers whose gateway is there: a dead one's sessions count no more, swept or not. */
  async #living(): Promise<ReadonlySet<string>> {
    const { connection, keys } = this.#presence;
    const reply = (await connection.run(LIVING_WRITERS, [keys.leases], [])) as Buffer[];
    return new Set(reply.map(String));
  }
}
