/**
 * Golden vectors, mutated, which every codec runs: whatever comes, both decoders give messages or MALFORMED, and what the gateway takes is
 * what a general parser reads. `FUZZ_RUNS=5000000 vitest run …` looks longer; `FUZZ_SEED` repeats a run that failed.
 */
import { describe, expect, it } from 'vitest';
import type { ServerCodec } from '../codec.js';
import { DEFAULT_LIMITS } from '../limits.js';
import type { ReceivedCommand, ServerMessage } from '../messages.js';
import type { Random } from '../ports.js';
import { decodeOrRefuse } from './describe-any-messages.js';
import { seededRandom } from './seeded-random.js';

interface MutatedFramesOptions {
  readonly corpus: readonly Buffer[];
  /** What breaks parsers. */
  readonly spices: readonly Buffer[];
  /** Stands between the messages of a frame. */
  readonly separator: string;
  /** So many changes a frame has at least, and three more at most. */
  readonly leastChanges: number;
  readonly server: ServerCodec;
  /** Decodes as a client. */
  readonly receive: (frame: Buffer) => ServerMessage<unknown>[];
  /** Who reads the same, with the sentences that are proven thereby. */
  readonly title: string;
  /** The messages of a frame that the gateway took, as a general parser reads them; undefined where it does not say. */
  readonly read: (frame: Buffer) => readonly Fields[] | undefined;
  /** @param text the data of a call, as the gateway hands it on @param data as it was read */
  readonly sameData: (text: string, data: unknown) => boolean;
}

export type Fields = Readonly<Record<string, unknown>>;

const RUNS = Number(process.env.FUZZ_RUNS ?? 20_000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);

export function describeMutatedFrames(options: MutatedFramesOptions): void {
  describe(`${RUNS} mutated frames, seed ${SEED}`, () => {
    it(options.title, { timeout: 0 }, () => {
      expectBoth(options, SEED, (frame) => {
        const commands = decodeOrRefuse(() => options.server.decode(frame, DEFAULT_LIMITS.messagesPerFrame));
        return commands && agree(options, frame, commands);
      });
    });

    it('are messages or MALFORMED to the client', { timeout: 0 }, () => {
      expectBoth(options, SEED + 1, (frame) => {
        const messages = decodeOrRefuse(() => options.receive(frame));
        return messages?.every(({ type }) => typeof type === 'string');
      });
    });
  });
}

/** @param isRight undefined: it was refused */
function expectBoth(
  options: MutatedFramesOptions,
  seed: number,
  isRight: (frame: Buffer) => boolean | undefined,
): void {
  const random = seededRandom(seed);
  let taken = 0;
  for (let run = 0; run < RUNS; run += 1) {
    const frame = mutate(random, options);
    const right = isRight(frame);
    if (right === undefined) continue;
    taken += 1;
    if (!right) expect.fail(`run ${run}: ${frame.toString('hex')} ${JSON.stringify(frame.toString('latin1'))}`);
  }
  // Both outcomes must have been common, or the mutations prove nothing.
  expect(taken).toBeGreaterThan(RUNS / 20);
  expect(taken).toBeLessThan((RUNS * 19) / 20);
}

function mutate(random: Random, { corpus, spices, separator, leastChanges }: MutatedFramesOptions): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]) => items[below(items.length)] as T;
  let bytes = Buffer.from(pick(corpus));
  for (let changes = below(4) + leastChanges; changes > 0; changes -= 1) {
    const at = below(bytes.length + 1);
    const until = Math.min(bytes.length, at + below(12));
    const [head, middle, tail] = [bytes.subarray(0, at), bytes.subarray(at, until), bytes.subarray(until)];
    switch (below(6)) {
      case 0: // put something nasty in
        bytes = Buffer.concat([head, pick(spices), middle, tail]);
        break;
      case 1: // cut something out
        bytes = Buffer.concat([head, tail]);
        break;
      case 2: // say something twice
        bytes = Buffer.concat([head, middle, middle, tail]);
        break;
      case 3: // flip a bit
        if (until > at) bytes[at] = (bytes[at] as number) ^ (1 << below(8));
        break;
      case 4: // go on as another frame does
        bytes = Buffer.concat([head, pick(corpus).subarray(at)]);
        break;
      default: // the same message among others
        bytes = Buffer.concat([bytes, Buffer.from(separator), pick(corpus)]);
    }
  }
  return bytes;
}

const KNOWN = ['hello', 'call', 'sync', 'cancel', 'ping', 'pong'];

/** Whether the commands are what was read, without those that PR-7 ignores. */
function agree(
  { read, sameData }: MutatedFramesOptions,
  frame: Buffer,
  commands: readonly ReceivedCommand<Uint8Array>[],
): boolean {
  const values = read(frame)?.filter(
    ({ type, id }) => KNOWN.includes(String(type)) || (Number.isSafeInteger(id) && Number(id) > 0),
  );
  if (values === undefined) return true;
  return (
    values.length === commands.length &&
    commands.every((command, index) => {
      const { type, id, data } = values[index] as Fields;
      if (('kind' in command ? command.kind : command.type) !== type) return false;
      if ('id' in command && command.id !== id) return false;
      if (command.type !== 'call') return true;
      if (command.data === undefined) return data === undefined;
      return sameData(Buffer.from(command.data).toString(), data);
    })
  );
}
