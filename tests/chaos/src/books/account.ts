/**
 * What one viewer got of one group, held against what was published to it. Knows every message by stream and number, so that what is
 * missing, doubled or out of order shows, whatever the system says of itself. Must not know clients.
 */
import type { Missed } from '@im/protocol';
import type { Stream } from './stream.js';

/** One row's worth of one lane. */
export interface Tally {
  delivered: number;
  duplicates: number;
  /** Acknowledged, and not delivered. */
  missing: number;
  /** Of those, how many the viewer was not told of. */
  untold: number;
  outOfOrder: number;
  /** Normal: messages that were said to be shed. Priority: versions that were said to be lost. */
  toldLost: number;
  /** How often an unknown number was said to be lost. */
  toldUnknown: number;
}

export const emptyTally = (): Tally => ({
  ...{ delivered: 0, duplicates: 0, missing: 0, untold: 0, outOfOrder: 0, toldLost: 0, toldUnknown: 0 },
});

export interface Tallies {
  readonly normal: Tally;
  readonly priority: Tally;
}

/** How often each message of a stream came, and the highest that did. */
interface Got {
  counts: Uint8Array;
  last: number;
  /** Where the step at hand began. */
  from: number;
}

export class Account {
  #tallies: Tallies = { normal: emptyTally(), priority: emptyTally() };
  readonly #got = new Map<Stream, Got>();
  /** Of the last priority message. */
  #version = 0;
  /** Whether the log was said to begin anew, or to lack something, since then; before the first it may begin anywhere. */
  #mayJump = true;

  constructor(
    readonly viewer: string,
    readonly group: string,
    /** All that publish to the group. */
    readonly streams: readonly Stream[],
    /** Of what is wrong, one line each. */
    readonly fault: (text: string) => void,
  ) {
    for (const stream of streams) this.#got.set(stream, { counts: new Uint8Array(256), last: -1, from: 0 });
  }

  receive(stream: Stream, number: number, version: number | undefined): void {
    const got = this.#of(stream);
    const tally = this.#tallies[stream.lane];
    if (got.counts.length <= number) got.counts = enlarged(got.counts, number);
    const before = got.counts[number] as number;
    got.counts[number] = Math.min(255, before + 1);
    if (before > 0) {
      tally.duplicates += 1;
      this.#say(`got ${name(stream, number)} again`);
    } else {
      tally.delivered += 1;
      if (stream.lane === 'normal' && number < got.last) {
        tally.outOfOrder += 1;
        this.#say(`got ${name(stream, number)} after ${got.last}`);
      }
      got.last = Math.max(got.last, number);
    }
    if (stream.lane === 'priority') this.#follow(version, stream, number);
  }

  /** Normal messages were not sent to this viewer. @param count undefined: unknown how many */
  shed(count: number | undefined): void {
    const { normal } = this.#tallies;
    if (count === undefined) normal.toldUnknown += 1;
    else normal.toldLost += count;
  }

  /** Some versions are said to be lost, or the log began anew. */
  lost({ epoch, after, upto }: Missed): void {
    const { priority } = this.#tallies;
    if (epoch === undefined) this.#say(`was told that versions after ${after} are lost`);
    this.#mayJump = true;
    if (upto === undefined) priority.toldUnknown += 1;
    else priority.toldLost += upto - after;
  }

  /** Whether nothing is to be waited for: all of the priority lane is here, all of the normal lane is here or told. */
  get isLevel(): boolean {
    const { normal, priority } = this.#missing();
    return priority === 0 && this.#untold(normal) === 0;
  }

  /** Ends a step: what was sent in it will not be asked for again, but still be known when it comes twice. */
  close(): Tallies {
    const { normal: missing, priority } = this.#missing();
    const tallies = this.#tallies;
    tallies.normal.missing = missing;
    tallies.normal.untold = this.#untold(missing);
    tallies.priority.missing = priority;
    tallies.priority.untold = priority;
    for (const [stream, got] of this.#got) {
      for (const number of this.#lacking(stream, got)) {
        if (stream.lane === 'priority' || tallies.normal.untold > 0) this.#say(`lacks ${name(stream, number)}`);
      }
      got.from = stream.messages.length;
    }
    this.#tallies = { normal: emptyTally(), priority: emptyTally() };
    return tallies;
  }

  #follow(version: number | undefined, stream: Stream, number: number): void {
    const { position } = stream.messages[number] ?? {};
    if (version === undefined) {
      this.#wrongOrder(`${name(stream, number)} has no version`);
      return;
    }
    if (position !== undefined && position.version !== version) {
      this.#wrongOrder(`${name(stream, number)} has version ${version}, its publisher was told ${position.version}`);
    }
    const expected = this.#version + 1;
    if (!this.#mayJump && version !== expected) {
      this.#wrongOrder(`${name(stream, number)} has version ${version} where ${expected} follows`);
    }
    this.#mayJump = false;
    this.#version = version;
  }

  #wrongOrder(text: string): void {
    this.#tallies.priority.outOfOrder += 1;
    this.#say(text);
  }

  #missing(): { normal: number; priority: number } {
    const missing = { normal: 0, priority: 0 };
    for (const [stream, got] of this.#got) {
      for (const _ of this.#lacking(stream, got)) missing[stream.lane] += 1;
    }
    return missing;
  }

  /** A number that is not known covers whatever is missing. */
  #untold(missing: number): number {
    const { toldLost, toldUnknown } = this.#tallies.normal;
    return toldUnknown > 0 ? 0 : Math.max(0, missing - toldLost);
  }

  *#lacking(stream: Stream, got: Got): Iterable<number> {
    for (let number = got.from; number < stream.messages.length; number += 1) {
      if (stream.messages[number]?.outcome === 'acknowledged' && !got.counts[number]) yield number;
    }
  }

  #of(stream: Stream): Got {
    const got = this.#got.get(stream);
    if (got === undefined)
      throw new Error(`${this.viewer} got ${stream.number} in ${this.group}, where it was not sent`);
    return got;
  }

  #say(text: string): void {
    this.fault(`${this.viewer} in ${this.group} ${text}`);
  }
}

const name = ({ publisher, lane, number }: Stream, message: number): string =>
  `${lane} ${publisher}/${number}/${message}`;

function enlarged(counts: Uint8Array, number: number): Uint8Array {
  const larger = new Uint8Array(Math.max(counts.length * 2, number + 1));
  larger.set(counts);
  return larger;
}
