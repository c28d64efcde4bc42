/**
 * Golden vectors, mutated: whatever comes, both decoders give messages or MALFORMED, and what the gateway takes is what
 * a JSON parser reads. `FUZZ_RUNS=5000000 vitest run …` looks longer; `FUZZ_SEED` repeats a run that failed.
 */
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ImError } from '../im-error.js';
import { DEFAULT_LIMITS } from '../limits.js';
import type { ReceivedCommand } from '../messages.js';
import type { Random } from '../ports.js';
import { seededRandom } from '../testing/seeded-random.js';
import { frameOf, vectorsTo } from '../testing/vectors.js';
import { jsonClientCodec } from './client-codec.js';
import { jsonServerCodec } from './server-codec.js';

const RUNS = Number(process.env.FUZZ_RUNS ?? 20_000);
const SEED = Number(process.env.FUZZ_SEED ?? 1);

/** What breaks parsers. */
const SPICES = [
  '\n',
  '\r',
  '\0',
  '\ufeff',
  '\\',
  '"',
  '\\"',
  '\\u0064',
  '\\ud800',
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"data":',
  '"data":1,',
  '"type":"call",',
  '"id":1,',
  '"__proto__":{},',
  '"constructor":',
  'null',
  '1e400',
  '-0',
  '9007199254740992',
  '\u2028',
  '\u{1f680}',
  '['.repeat(200),
].map((text) => Buffer.from(text));

const corpus = [...vectorsTo('to-gateway'), ...vectorsTo('to-client')].map((vector) => Buffer.from(frameOf(vector)));

function mutate(random: Random): Buffer {
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]) => items[below(items.length)] as T;
  let bytes = Buffer.from(pick(corpus));
  for (let change = below(4); change >= 0; change--) {
    const at = below(bytes.length + 1);
    const until = Math.min(bytes.length, at + below(12));
    const [head, middle, tail] = [bytes.subarray(0, at), bytes.subarray(at, until), bytes.subarray(until)];
    switch (below(6)) {
      case 0: // put something nasty in
        bytes = Buffer.concat([head, pick(SPICES), middle, tail]);
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
      default: // the same line among others
        bytes = Buffer.concat([bytes, Buffer.from('\n'), pick(corpus)]);
    }
  }
  return bytes;
}

/** The messages, or undefined when refused; anything else that is thrown fails the test. */
function attempt<Message>(decode: () => Message[]): Message[] | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof ImError && error.name === 'MALFORMED') return undefined;
    throw error;
  }
}

const KNOWN = ['hello', 'call', 'sync', 'cancel', 'ping', 'pong'];

/** Whether the commands are what JSON.parse reads from the lines, without those that PR-7 ignores. */
function agree(frame: Buffer, commands: ReceivedCommand<Uint8Array>[]): boolean {
  const values = frame
    .toString()
    .split('\n')
    .filter((line) => line !== '' && line !== '\r')
    .map((line) => JSON.parse(line))
    .filter(({ type, id }) => KNOWN.includes(type) || (Number.isSafeInteger(id) && id > 0));
  return (
    values.length === commands.length &&
    commands.every((command, index) => {
      const { type, id, data } = values[index];
      if (('kind' in command ? command.kind : command.type) !== type) return false;
      if ('id' in command && command.id !== id) return false;
      if (command.type !== 'call') return true;
      if (command.data === undefined) return data === undefined;
      const text = Buffer.from(command.data).toString();
      return !text.includes('\n') && isDeepStrictEqual(JSON.parse(text), data);
    })
  );
}

describe(`${RUNS} mutated frames, seed ${SEED}`, () => {
  it('[PR-51] are what JSON.parse reads, or MALFORMED, to the gateway', { timeout: 0 }, () => {
    const random = seededRandom(SEED);
    let taken = 0;
    for (let run = 0; run < RUNS; run++) {
      const frame = mutate(random);
      const commands = attempt(() => jsonServerCodec.decode(frame, DEFAULT_LIMITS.messagesPerFrame));
      if (!commands) continue;
      taken++;
      if (!agree(frame, commands)) expect.fail(`run ${run}: ${JSON.stringify(frame.toString('latin1'))}`);
    }
    // Both outcomes must have been common, or the mutations prove nothing.
    expect(taken).toBeGreaterThan(RUNS / 20);
    expect(taken).toBeLessThan((RUNS * 19) / 20);
  });

  it('are messages or MALFORMED to the client', { timeout: 0 }, () => {
    const random = seededRandom(SEED + 1);
    let taken = 0;
    for (let run = 0; run < RUNS; run++) {
      const frame = mutate(random).toString();
      const messages = attempt(() => jsonClientCodec.decode(frame));
      if (!messages) continue;
      taken++;
      if (!messages.every(({ type }) => typeof type === 'string')) expect.fail(`run ${run}: ${JSON.stringify(frame)}`);
    }
    expect(taken).toBeGreaterThan(RUNS / 20);
    expect(taken).toBeLessThan((RUNS * 19) / 20);
  });
});
