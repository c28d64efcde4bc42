/** The online list of one process. Owns listed members and their bounds; must not know connections. */
import { ImError } from '@im/protocol';
import { type Metrics, noMetrics } from '@im/protocol/ports';
import { OnlineGroup } from './online-group.js';
import { MAX_PAGE, type OnlineList, type OnlineMember, type OnlinePage, type PageOptions } from './online-list.js';

export interface MemoryOnlineListOptions {
  /** Sessions listed in all groups together; those beyond are not listed, and counted. Default 4,000,000 (about 1 GB). */
  readonly maxSessions?: number;
  readonly metrics?: Metrics;
}

/** Takes about 0.25 KB a session; a group without members takes nothing. */
export function createMemoryOnlineList(options: MemoryOnlineListOptions = {}): OnlineList {
  return new MemoryOnlineList(options);
}

const CURSOR = /^[0-9a-z]{1,11}$/;

class MemoryOnlineList implements OnlineList {
  readonly #groups = new Map<string, OnlineGroup>();
  readonly #maxSessions: number;
  readonly #refused;
  #sessions = 0;

  constructor({ maxSessions = 4_000_000, metrics = noMetrics }: MemoryOnlineListOptions) {
    this.#maxSessions = maxSessions;
    this.#refused = metrics.counter('im_groups_online_refused_total', {
      help: 'Sessions that were not listed because the list was full.',
    });
    metrics.observe('im_groups_online_sessions', { help: 'Sessions listed, all groups.' }, () => this.#sessions);
  }

  enter(group: string, session: string, member: OnlineMember): void {
    let list = this.#groups.get(group);
    if (this.#sessions >= this.#maxSessions && list?.hasSession(session) !== true) {
      this.#refused.add();
      return;
    }
    if (list === undefined) {
      list = new OnlineGroup();
      this.#groups.set(group, list);
    }
    this.#sessions -= list.sessions;
    list.enter(session, member);
    this.#sessions += list.sessions;
  }

  leave(group: string, session: string): void {
    const list = this.#groups.get(group);
    if (list?.leave(session) !== true) return;
    this.#sessions -= 1;
    if (list.sessions === 0) this.#groups.delete(group);
  }

  count(group: string): Promise<number> {
    return Promise.resolve(this.#groups.get(group)?.users ?? 0);
  }

  has(group: string, user: string): Promise<boolean> {
    return Promise.resolve(this.#groups.get(group)?.has(user) ?? false);
  }

  async page(group: string, { cursor, limit }: PageOptions): Promise<OnlinePage> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE) {
      throw new ImError('INVALID_ARGUMENT', { details: { argument: 'limit', expected: `1 to ${MAX_PAGE}` } });
    }
    if (cursor !== undefined && !CURSOR.test(cursor)) {
      throw new ImError('INVALID_ARGUMENT', { details: { argument: 'cursor' } });
    }
    const after = cursor === undefined ? 0 : Number.parseInt(cursor, 36);
    const { members, more } = this.#groups.get(group)?.after(after, limit) ?? { members: [], more: undefined };
    return more === undefined ? { members } : { members, cursor: more.toString(36) };
  }
}
