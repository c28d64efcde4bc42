/**
 * Owns: changes of chat groups that were written, and not told: their worker died, or what it needed was away. Whoever comes by
 * has them told, and does not wait for it. One worker takes them up at a time; who fails leaves them to the next one.
 */
import { type CallerContext, ImError } from '@im/protocol';
import type { Clock, Logger } from '@im/protocol/ports';
import { groupOf } from '../call.js';
import type { Turns } from '../turns.js';
import type { ChangeNotices } from './change-notices.js';
import type { GroupInfo } from './chat-group.js';
import type { GroupRecords } from './group-records.js';

/** A change that is not told by then was cut off. */
const PENDING_MS = 5_000;
/** Groups looked after at once; further ones wait until somebody comes by again. */
const MAX_AT_ONCE = 64;

export interface CutOffChangesOptions {
  readonly groups: GroupRecords;
  readonly notices: ChangeNotices;
  /** Of changes, by group. */
  readonly turns: Turns;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class CutOffChanges {
  readonly #options: CutOffChangesOptions;
  readonly #groups = new Set<string>();

  constructor(options: CutOffChangesOptions) {
    this.#options = options;
  }

  /** Has them told where there are any; that it fails is logged. @param info as it was just read */
  lookAfter(caller: CallerContext, conversation: string, info: GroupInfo): void {
    const group = groupOf(caller, conversation);
    if (!this.#isDue(info) || this.#groups.has(group) || this.#groups.size >= MAX_AT_ONCE) return;
    this.#groups.add(group);
    const { turns, logger } = this.#options;
    turns
      .take(group, () => this.#tell(caller, conversation))
      .catch((error: unknown) => logger.warn('changes of a group could not be told', { group, error }))
      .finally(() => this.#groups.delete(group));
  }

  async #tell(caller: CallerContext, conversation: string): Promise<void> {
    const { groups, notices, clock } = this.#options;
    const group = groupOf(caller, conversation);
    const loaded = await groups.load(group, []);
    // Somebody may have told them while this waited.
    if (loaded === undefined || !this.#isDue(loaded.info)) return;
    try {
      const pending = await groups.takeUp(group, loaded, clock.now());
      const [error] = (await notices.tell(caller, conversation, pending)).values();
      if (error !== undefined) throw error;
    } catch (error) {
      // Another worker was faster.
      if (!(error instanceof ImError && error.name === 'RECORD_CHANGED')) throw error;
    }
  }

  #isDue({ pending: [oldest] }: GroupInfo): boolean {
    return oldest !== undefined && this.#options.clock.now() - oldest.written > PENDING_MS;
  }
}
