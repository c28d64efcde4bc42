/** Golden vectors, mutated: what foreign programs and broken ones may send. The same for the same random source. */
import type { Random } from '@im/protocol/ports';
import packed from '../../vectors/packed.json' with { type: 'json' };
import plain from '../../vectors/plain.json' with { type: 'json' };

const MOST_BYTES = 1_024;
/** Where the id of the first record of a pack stands. */
const FIRST_ID = 11;

const packs: readonly Buffer[][] = packed
  .map(({ frames }) => frames.map((frame) => Buffer.from(frame, 'hex')))
  .filter((frames) => frames.every(({ length }) => length <= MOST_BYTES));
const texts: readonly Buffer[][] = plain
  .map(({ frames }) => frames.map((frame) => Buffer.from(frame)))
  .filter((frames) => frames.every(({ length }) => length <= MOST_BYTES));

const SPICES = [
  '{',
  '}',
  '"',
  '\\',
  '\0',
  '\n',
  'null',
  '1e400',
  '-1',
  '4294967295',
  '\u{1f680}',
  '"id":1,',
  '\ufeff',
].map((spice) => Buffer.from(spice));

export class MutatedFrames {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** @param ids of which one may stand in the first record: calls that are open */
  pack(ids: readonly number[] = []): Buffer[] {
    const frames = this.#mutate(packs);
    const [first] = frames;
    if (ids.length > 0 && first !== undefined && first.length >= FIRST_ID + 4 && this.below(2) === 0)
      first.writeUInt32LE(this.pick(ids), FIRST_ID);
    return frames;
  }

  plain(): Buffer[] {
    return this.#mutate(texts);
  }

  #mutate(corpus: readonly Buffer[][]): Buffer[] {
    const frames = this.pick(corpus).map((frame) => Buffer.from(frame));
    for (let change = this.below(4); change > 0; change--) {
      const index = this.below(frames.length);
      const frame = frames[index];
      if (frame === undefined) continue;
      const at = this.below(frame.length + 1);
      const until = Math.min(frame.length, at + this.below(12));
      const [head, middle, tail] = [frame.subarray(0, at), frame.subarray(at, until), frame.subarray(until)];
      switch (this.below(7)) {
        case 0: // flip a bit
          if (until > at) frame[at] = (frame[at] as number) ^ (1 << this.below(8));
          break;
        case 1: // any byte
          if (until > at) frame[at] = this.below(256);
          break;
        case 2: // cut something out
          frames[index] = Buffer.concat([head, tail]);
          break;
        case 3: // say something twice
          frames[index] = Buffer.concat([head, middle, middle, tail]);
          break;
        case 4: // go on as another one does
          frames[index] = Buffer.concat([head, (this.pick(corpus)[0] as Buffer).subarray(at)]);
          break;
        case 5: // put something nasty in
          frames[index] = Buffer.concat([head, this.pick(SPICES), tail]);
          break;
        default: // a frame more or less
          if (this.below(2) === 0) frames.splice(index, 1);
          else frames.push(Buffer.from(middle));
      }
    }
    return frames;
  }
}
