/** One call inside the broker, and the bounded place where open calls stand. Objects are used again: see generation. */
import type { DeadlineList, Expiring } from '../deadlines/deadline-lists.js';
import type { RecordSource } from '../wire/pack-writer.js';
import { FLAG, KIND } from '../wire/record.js';
import type { CallQueue } from './call-queue.js';
import type { CallerPeer } from './caller-peer.js';
import type { Registration } from './registration.js';
import type { ServiceEntry } from './service-entry.js';
import type { WorkerPeer } from './worker-peer.js';

/**
 * free → waiting → running → free. A caller that stops waiting turns `running` into `abandoned` until the worker answers:
 * its slot at the worker is taken as long.
 */
export type Stage = 'free' | 'waiting' | 'running' | 'abandoned';

const EMPTY = Buffer.alloc(0);
const INDEX_BITS = 18;
const MAX_OPEN = 1 << INDEX_BITS;
/** One less than there could be: NO_ID is nobody's. */
const GENERATIONS = (1 << (32 - INDEX_BITS)) - 1;

/** Of the messages that all open calls keep. */
interface KeptBytes {
  bytes: number;
}

export class BrokerCall implements Expiring, RecordSource {
  readonly index: number;
  /** Under which a worker knows it: of the place, and how often it was used, so that a late answer finds nothing. */
  token: number;
  stage: Stage = 'free';
  service!: ServiceEntry;
  method = '';
  flags = 0;
  /** Calls of one affinity go to one worker. */
  affinity: string | undefined;
  /** Undefined once it wants nothing more of it. */
  caller: CallerPeer | undefined;
  callerId = 0;
  registration: Registration | undefined;
  /** Workers that were lost with it. */
  losses = 0;
  /** Lets one through a half-open breaker. */
  isProbe = false;
  /** Order of arrival at the service. */
  sequence = 0;
  acceptedAt = 0;

  buffer: Buffer = EMPTY;
  start = 0;
  end = 0;
  attachment: Uint8Array | undefined;
  #kept = 0;
  readonly #all: KeptBytes;

  deadline = 0;
  deadlineList: DeadlineList<Expiring> | undefined;
  earlier: Expiring | undefined;
  later: Expiring | undefined;

  queue: CallQueue | undefined;
  previous: BrokerCall | undefined;
  next: BrokerCall | undefined;

  constructor(index: number, all: KeptBytes) {
    this.index = index;
    this.#all = all;
    this.token = index;
  }

  get handedOut(): boolean {
    return this.stage !== 'waiting' || this.losses > 0;
  }

  /** Carrying it out twice is harmless. */
  get isRepeatable(): boolean {
    return (this.flags & (FLAG.idempotent | FLAG.key)) !== 0;
  }

  get wantsLate(): boolean {
    return (this.flags & FLAG.late) !== 0;
  }

  /** Tells its caller, if there is one that wants to know. @param error JSON text */
  tellError(error: string): void {
    if (this.caller === undefined) return;
    this.caller.writer.text(KIND.error, this.callerId, error);
    this.caller.touch();
  }

  /** Nobody waits for what a worker may still say. */
  forgetCaller(): void {
    this.caller?.calls.delete(this.callerId);
    this.caller = undefined;
  }

  /** Its caller has parts of an answer, which another worker would send again. */
  neverRepeat(): void {
    if (!this.isRepeatable) return;
    this.flags &= ~(FLAG.idempotent | FLAG.key);
    this.forgetRecord();
  }

  /** Keeps the record that the reader stands at. */
  keep({ buffer, start, end, attachment }: RecordSource): void {
    this.buffer = buffer;
    this.start = start;
    this.end = end;
    this.attachment = attachment;
    this.#kept = end - start + (attachment?.length ?? 0);
    this.#all.bytes += this.#kept;
    this.service.keptBytes += this.#kept;
  }

  /** It will not be handed out again. */
  forgetRecord(): void {
    this.#all.bytes -= this.#kept;
    this.service.keptBytes -= this.#kept;
    this.#kept = 0;
    this.buffer = EMPTY;
    this.start = this.end = 0;
    this.attachment = undefined;
  }

  /** Keeps the record without the message it came in, when that is much larger. */
  compact(): void {
    const size = this.end - this.start;
    if (this.buffer.length < 4 * size + 256) return;
    this.buffer = Buffer.from(this.buffer.subarray(this.start, this.end));
    this.start = 0;
    this.end = size;
  }
}

export class OpenCalls implements KeptBytes {
  bytes = 0;
  readonly #calls: BrokerCall[] = [];
  readonly #free: BrokerCall[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = Math.min(limit, MAX_OPEN);
  }

  get size(): number {
    return this.#calls.length - this.#free.length;
  }

  /** Undefined when there are as many as there may be. */
  take(): BrokerCall | undefined {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#calls.length >= this.#limit) return undefined;
    const call = new BrokerCall(this.#calls.length, this);
    this.#calls.push(call);
    return call;
  }

  /** The call that a worker means. */
  find(token: number): BrokerCall | undefined {
    const call = this.#calls[token & (MAX_OPEN - 1)];
    return call?.token === token && call.stage !== 'free' ? call : undefined;
  }

  release(call: BrokerCall): void {
    call.stage = 'free';
    call.caller = call.registration = call.affinity = undefined;
    call.forgetRecord();
    call.losses = 0;
    call.isProbe = false;
    const generation = ((call.token >>> INDEX_BITS) + 1) % GENERATIONS;
    call.token = ((generation << INDEX_BITS) | call.index) >>> 0;
    this.#free.push(call);
  }

  /** Those that a worker has. */
  at(peer: WorkerPeer): BrokerCall[] {
    return this.#calls.filter((call) => call.stage !== 'free' && call.registration?.peer === peer);
  }

  /** Lets go of the messages that calls of some age came in. */
  compact(): void {
    for (const call of this.#calls) if (call.stage !== 'free') call.compact();
  }
}
