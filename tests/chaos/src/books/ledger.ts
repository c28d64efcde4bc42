/** All that was published and all that was received: makes a row of each step. Must not know how either happens. */
import type { Lane } from '@im/protocol';
import { Account, emptyTally, type Tally } from './account.js';
import { Stream } from './stream.js';

export interface Row extends Tally {
  readonly step: string;
  readonly lane: Lane;
  readonly sent: number;
  readonly acknowledged: number;
  /**
   * Priority: the longest that a message took from its first sending to its last viewer. Normal: until everybody had got something
   * that was sent after the disturbance; undefined without one.
   */
  recoveryMs: number | undefined;
}

/** Faults that are kept word for word; all are counted. */
const KEPT_FAULTS = 50;
const LANES = ['priority', 'normal'] as const;

export class Ledger {
  readonly rows: Row[] = [];
  readonly faults: string[] = [];
  faultCount = 0;
  readonly #now: () => number;
  readonly #streams: Stream[] = [];
  readonly #accounts: Account[] = [];
  /** How much was sent of each stream before the step at hand. */
  #marks: number[] = [];
  #disturbedAt: number | undefined;
  #slowestMs = 0;
  /** Who has got a normal message that was sent after the disturbance, and when the last of them did. */
  readonly #again = new Set<Account>();
  #againAt = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** All are opened before the accounts of their group. */
  openStream(publisher: string, group: string, lane: Lane): Stream {
    const stream = new Stream(this.#streams.length, publisher, group, lane);
    this.#streams.push(stream);
    return stream;
  }

  openAccount(viewer: string, group: string): Account {
    const streams = this.#streams.filter((stream) => stream.group === group);
    const account = new Account(viewer, group, streams, (text) => this.fault(text));
    this.#accounts.push(account);
    return account;
  }

  /** A viewer got a message. @param stream and @param number as they travelled in its body */
  receive(account: Account, stream: number, number: number, version: number | undefined): void {
    const published = this.#streams[stream];
    if (published === undefined) throw new RangeError(`no stream ${stream}`);
    account.receive(published, number, version);
    const at = published.messages[number]?.at ?? 0;
    if (published.lane === 'priority') this.#slowestMs = Math.max(this.#slowestMs, this.#now() - at);
    else if (at > (this.#disturbedAt ?? Number.POSITIVE_INFINITY) && !this.#again.has(account)) {
      this.#again.add(account);
      this.#againAt = this.#now();
    }
  }

  /** Something is killed now. */
  disturb(): void {
    this.#disturbedAt = this.#now();
    this.#again.clear();
  }

  get isLevel(): boolean {
    return this.#accounts.every((account) => account.isLevel);
  }

  /** Makes the rows of what was sent since the last step, and asks no more for it. */
  closeStep(step: string): void {
    const tallies = { normal: emptyTally(), priority: emptyTally() };
    for (const account of this.#accounts) {
      const own = account.close();
      for (const lane of LANES) add(tallies[lane], own[lane]);
    }
    for (const lane of LANES) {
      const counted = { sent: 0, acknowledged: 0 };
      for (const [index, stream] of this.#streams.entries()) {
        const from = this.#marks[index] ?? 0;
        if (stream.lane !== lane) continue;
        counted.sent += stream.messages.length - from;
        counted.acknowledged += stream.count('acknowledged', from);
      }
      this.rows.push({ step, lane, ...counted, ...tallies[lane], recoveryMs: this.#recoveryMs(lane) });
    }
    this.#marks = this.#streams.map(({ messages }) => messages.length);
    this.#disturbedAt = undefined;
    this.#slowestMs = 0;
  }

  #recoveryMs(lane: Lane): number | undefined {
    if (lane === 'priority') return Math.round(this.#slowestMs);
    if (this.#disturbedAt === undefined || this.#again.size === 0) return undefined;
    return Math.round(this.#againAt - this.#disturbedAt);
  }

  /** Something is wrong. */
  fault(text: string): void {
    this.faultCount += 1;
    if (this.faults.length < KEPT_FAULTS) this.faults.push(text);
  }
}

function add(sum: Tally, tally: Tally): void {
  for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += tally[key];
}
