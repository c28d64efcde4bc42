/**
 * Owns: telling rooms how many people are in them. Rooms that something happened in are watched until they are empty;
 * one timer for all of them looks every two seconds, and only those whose count changed are told.
 */
import type { Publisher } from '@im/broadcast';
import type { OnlineReader } from '@im/groups';
import { type Terms, withoutProduct } from '@im/protocol';
import type { Clock, Logger, Metrics, Timer } from '@im/protocol/ports';
import { encodeJson } from '@im/rpc';

export const AUDIENCE_EVENT = 'audience';
/** Only the last count is true. */
const AUDIENCE_TERMS: Terms = { reserved: true, conflate: { mode: 'latest', key: AUDIENCE_EVENT } };

export interface AudienceOptions {
  readonly online: OnlineReader;
  readonly publisher: Publisher;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const INTERVAL_MS = 2_000;
/** Beyond, further rooms are not told until others are empty. */
const MAX_ROOMS = 10_000;
const UNKNOWN = -1;

export class Audience {
  readonly #options: AudienceOptions;
  /** Group → count told last. */
  readonly #rooms = new Map<string, number>();
  readonly #unwatched;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: AudienceOptions) {
    this.#options = options;
    const { metrics } = options;
    metrics.observe('im_workers_watched_rooms', { help: 'Rooms whose audience is counted.' }, () => this.#rooms.size);
    this.#unwatched = metrics.counter('im_workers_unwatched_rooms_total', {
      help: 'Times a room was not watched because too many are.',
    });
  }

  /** Something happened in the room. */
  watch(group: string): void {
    if (this.#closed || this.#rooms.has(group)) return;
    if (this.#rooms.size >= MAX_ROOMS) {
      this.#unwatched.add();
      return;
    }
    this.#rooms.set(group, UNKNOWN);
    this.#schedule();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#rooms.clear();
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined || this.#rooms.size === 0) return;
    this.#timer = this.#options.clock.after(INTERVAL_MS, () => void this.#look(), { background: true });
  }

  async #look(): Promise<void> {
    try {
      for (const [group, told] of this.#rooms) {
        const count = await this.#options.online.count(group);
        if (this.#closed) return;
        // Whoever watches a room may be about to enter it: it is given up when it is still empty at the next look.
        if (count === 0 && told === 0) this.#rooms.delete(group);
        else this.#rooms.set(group, count);
        if (count > 0 && count !== told) await this.#tell(group, count);
      }
    } catch (error) {
      this.#options.logger.warn('audiences could not be told', { error });
    } finally {
      this.#timer = undefined;
      this.#schedule();
    }
  }

  async #tell(group: string, count: number): Promise<void> {
    const { publisher, clock } = this.#options;
    const room = withoutProduct(group).slice('r:'.length);
    const body = encodeJson({ room, count });
    await publisher.publish(
      group,
      { lane: 'normal', event: AUDIENCE_EVENT, body, time: clock.now(), terms: AUDIENCE_TERMS },
      { acknowledge: 'none' },
    );
  }
}
