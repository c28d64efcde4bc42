/**
 * Ids of messages: numbers of 63 bits, as decimal strings, each given once by whichever process, growing in each.
 * A record says which are given away; a process takes a segment of them ahead, and what it has not used when it ends is skipped.
 *
 * Segments begin at the highest of what the record says and the clock's milliseconds times 2^20. So ids of different processes are
 * about in the order of time, and a record that was lost, or put back from a copy, brings none back, as far as
 * clocks are right: giving out more than 2^20 a millisecond takes more than there is.
 */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger, type Timer } from '@im/protocol/ports';
import type { RecordStore } from './record-store.js';

export interface IdSource {
  /** Higher than all before it from this source. @throws ImError STORE_UNAVAILABLE (retryable) when none are left while the store is away; CLOSED */
  next(): string;
  close(): void;
}

export interface IdSourceOptions {
  readonly records: RecordStore;
  /** Those with the same owner give no id twice. Default `id:message`. */
  readonly owner?: string;
  /** Ids taken at a time; when half of them are left, more are taken. Default 65,536. */
  readonly segment?: number;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

const FIELD = 'next';
const RETRY_MS = 500;
/** Whoever starts does not wait longer for a store that does not answer. */
const PATIENCE_MS = 1_000;
/** Each attempt that was overtaken is a segment for somebody else: it is enough to tell a crowd from a store that is out of order. */
const MOST_ATTEMPTS = 256;
const TICK = 1n << 20n;
const BEYOND = 1n << 63n;

/**
 * Settles when it has ids, or the store did not give any, or not within a second: then it goes on trying, and `next` throws until
 * it has.
 */
export async function openIdSource(options: IdSourceOptions): Promise<IdSource> {
  const { clock = systemClock } = options;
  const source = new SegmentedIds(options);
  await new Promise<void>((resolve) => {
    const patience = clock.after(PATIENCE_MS, resolve);
    void source.take().then(() => {
      patience.cancel();
      resolve();
    });
  });
  return source;
}

class SegmentedIds implements IdSource {
  readonly #records: RecordStore;
  readonly #owner: string;
  readonly #segment: bigint;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #segments;
  readonly #refused;
  #next = 0n;
  #end = 0n;
  /** Taken ahead. */
  #spare: { readonly begin: bigint; readonly end: bigint } | undefined;
  #taking = false;
  #retry: Timer | undefined;
  #failing = false;
  #closed = false;

  constructor(options: IdSourceOptions) {
    const { clock = systemClock, logger = silentLogger, metrics = noMetrics } = options;
    this.#records = options.records;
    this.#owner = options.owner ?? 'id:message';
    this.#segment = BigInt(options.segment ?? 65_536);
    this.#clock = clock;
    this.#logger = logger;
    this.#segments = metrics.counter('im_timeline_id_segments_total', { help: 'Segments of ids taken.' });
    this.#refused = metrics.counter('im_timeline_ids_refused_total', { help: 'Ids asked for while there were none.' });
    metrics.observe('im_timeline_ids', { help: 'Ids that this process has left.' }, () => Number(this.#left));
  }

  next(): string {
    if (this.#closed) throw new ImError('CLOSED');
    if (this.#next === this.#end && this.#spare !== undefined) {
      this.#next = this.#spare.begin;
      this.#end = this.#spare.end;
      this.#spare = undefined;
    }
    if (this.#next === this.#end) {
      this.#refused.add();
      void this.take();
      throw new ImError('STORE_UNAVAILABLE', { message: 'no ids are left, and the store gives none now' });
    }
    const id = this.#next;
    this.#next += 1n;
    if (this.#spare === undefined && (this.#end - this.#next) * 2n <= this.#segment) void this.take();
    return id.toString();
  }

  close(): void {
    this.#closed = true;
    this.#retry?.cancel();
  }

  /** Takes a segment if none is spare; again later when the store fails. Never rejects. */
  async take(): Promise<void> {
    if (this.#taking || this.#retry !== undefined || this.#spare !== undefined) return;
    this.#taking = true;
    try {
      this.#spare = await this.#takeSegment();
      this.#segments.add();
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) this.#logger.warn('no ids could be taken from the store; trying again', { error });
      this.#failing = true;
      this.#takeLater();
    } finally {
      this.#taking = false;
    }
  }

  #takeLater(): void {
    if (this.#closed) return;
    this.#retry = this.#clock.after(
      RETRY_MS,
      () => {
        this.#retry = undefined;
        void this.take();
      },
      { background: true },
    );
  }

  async #takeSegment(): Promise<{ begin: bigint; end: bigint }> {
    for (let attempt = 1; ; attempt += 1) {
      const record = (await this.#records.get(this.#owner, [FIELD])).get(FIELD);
      const given = record === undefined ? 0n : parse(record.body);
      // Its own last: also where the record was lost and the clock set back, ids of one process grow.
      const begin = highest(highest(given, BigInt(this.#clock.now()) * TICK), this.#end);
      const end = begin + this.#segment;
      if (end > BEYOND) throw new ImError('INTERNAL', { message: 'there are no ids left below 2^63' });
      const body = Buffer.from(end.toString());
      try {
        await this.#records.write(this.#owner, [{ field: FIELD, body, revision: record?.revision ?? 0 }]);
        return { begin, end };
      } catch (error) {
        const overtaken = error instanceof ImError && error.name === 'RECORD_CHANGED';
        if (!overtaken || attempt === MOST_ATTEMPTS) throw error;
      }
    }
  }

  get #left(): bigint {
    const spare = this.#spare === undefined ? 0n : this.#spare.end - this.#spare.begin;
    return this.#end - this.#next + spare;
  }
}

function parse(body: Uint8Array): bigint {
  const text = Buffer.from(body).toString();
  if (!/^\d{1,19}$/.test(text)) throw new ImError('INTERNAL', { message: 'the record of ids is not a number' });
  return BigInt(text);
}

function highest(one: bigint, other: bigint): bigint {
  if (one > other) return one;
  return other;
}
