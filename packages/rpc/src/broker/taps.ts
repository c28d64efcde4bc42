/**
 * Live views of calls as they end: `$broker.tap`. Costs nothing while nobody watches; a watcher that is slower than the
 * calls misses some, and is told how many.
 */
import { encodeJson } from '../json-body.js';
import { KIND } from '../wire/record.js';
import type { BrokerCall } from './broker-call.js';
import type { CallerPeer } from './caller-peer.js';
import { DEADLINE_EXCEEDED, refusalWith } from './refusals.js';
import type { Turn } from './turn.js';

/** What a watcher wants to see; everything, if it says nothing. */
export interface TapFilter {
  readonly service?: string | undefined;
  readonly method?: string | undefined;
  /** Only calls that failed. */
  readonly failed?: boolean | undefined;
  readonly slowerThanMs?: number | undefined;
}

/** One call that ended, as `$broker.tap` shows it. */
export interface TappedCall {
  readonly service: string;
  readonly method: string;
  readonly version?: string | undefined;
  readonly worker?: string | undefined;
  readonly durationMs: number;
  /** Of the answer's body. */
  readonly bytes: number;
  /** Name of the error, if it failed. */
  readonly error?: string | undefined;
  /** Calls left out since the last one shown, because the watcher was slow. */
  readonly dropped?: number | undefined;
}

interface Tap {
  readonly caller: CallerPeer;
  readonly id: number;
  readonly filter: TapFilter;
  /** On the monotonic clock. */
  readonly deadline: number;
  credit: number;
  dropped: number;
}

const MAX_TAPS = 32;
const FIRST_CREDIT = 32;
/** Three pings that callers send when they get nothing for a second (RP-39). */
const SILENT_MS = 3_000;
const CALLER_SILENT = refusalWith('CALL_LOST', { handedOut: true, lost: 'caller' });

export class Taps {
  readonly #taps = new Set<Tap>();
  readonly #turn: Turn;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  get isOpen(): boolean {
    return this.#taps.size > 0;
  }

  has(caller: CallerPeer, id: number): boolean {
    return this.isOpen && this.#find(caller, id) !== undefined;
  }

  /** @returns false when there are too many */
  open(caller: CallerPeer, id: number, filter: TapFilter, timeoutMs: number): boolean {
    if (this.#taps.size >= MAX_TAPS) return false;
    this.#taps.add({ caller, id, filter, deadline: this.#turn.now + timeoutMs, credit: FIRST_CREDIT, dropped: 0 });
    return true;
  }

  /** Ends those whose deadline has passed, and those of callers that were neither heard nor spoken to for three pings. */
  endForgotten(roundMs: number): void {
    for (const caller of new Set(Array.from(this.#taps, (tap) => tap.caller))) {
      // One with open calls may get answers, and need not ping. One in this process does not ping, and cannot be lost unnoticed.
      if (caller.calls.size > 0 || caller.link.local) caller.silentRounds = 0;
      else caller.silentRounds++;
    }
    for (const tap of this.#taps) {
      if (tap.deadline <= this.#turn.now) this.#end(tap, DEADLINE_EXCEEDED.after);
      else if (tap.caller.silentRounds * roundMs > SILENT_MS + roundMs) this.#end(tap, CALLER_SILENT);
    }
  }

  /** @returns whether the caller had such a tap */
  close(caller: CallerPeer, id: number): boolean {
    const tap = this.#find(caller, id);
    return tap !== undefined && this.#taps.delete(tap);
  }

  /** How many the caller has open. */
  count(caller: CallerPeer): number {
    let count = 0;
    for (const tap of this.#taps) if (tap.caller === caller) count++;
    return count;
  }

  closeAll(caller: CallerPeer): void {
    for (const tap of this.#taps) if (tap.caller === caller) this.#taps.delete(tap);
  }

  grant(caller: CallerPeer, id: number, count: number): void {
    const tap = this.#find(caller, id);
    if (tap !== undefined) tap.credit = Math.min(tap.credit + count, 65_536);
  }

  ended(call: BrokerCall, error: string | undefined, bytes: number): void {
    if (this.#taps.size === 0) return;
    const durationMs = Math.round((this.#turn.now - call.acceptedAt) * 1_000) / 1_000;
    for (const tap of this.#taps)
      if (matches(tap.filter, call, durationMs, error)) this.#show(tap, call, durationMs, error, bytes);
  }

  #show(tap: Tap, call: BrokerCall, durationMs: number, error: string | undefined, bytes: number): void {
    if (tap.credit === 0) {
      tap.dropped++;
      return;
    }
    tap.credit--;
    const { registration, method, service } = call;
    const shown: TappedCall = {
      service: service.name,
      method,
      version: registration?.version,
      worker: registration?.id,
      durationMs,
      bytes,
      error,
      dropped: tap.dropped === 0 ? undefined : tap.dropped,
    };
    tap.dropped = 0;
    tap.caller.writer.answer(KIND.part, tap.id, '', encodeJson(shown));
    tap.caller.touch();
    // It need not ping while it gets something; what it never takes ends with its credit.
    tap.caller.silentRounds = 0;
  }

  #end(tap: Tap, error: string): void {
    this.#taps.delete(tap);
    tap.caller.refuse(tap.id, error);
  }

  #find(caller: CallerPeer, id: number): Tap | undefined {
    for (const tap of this.#taps) if (tap.caller === caller && tap.id === id) return tap;
    return undefined;
  }
}

function matches(
  { service, method, failed, slowerThanMs }: TapFilter,
  call: BrokerCall,
  durationMs: number,
  error: string | undefined,
): boolean {
  return (
    (service === undefined || service === call.service.name) &&
    (method === undefined || method === call.method) &&
    (failed !== true || error !== undefined) &&
    (slowerThanMs === undefined || durationMs >= slowerThanMs)
  );
}
