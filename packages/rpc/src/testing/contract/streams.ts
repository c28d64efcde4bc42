/** Answers in parts, and the stream of calls as they end. */
import { ImError } from '@im/protocol';
import { expect, it } from 'vitest';
import { BROKER_SERVICE } from '../../broker-status.js';
import { decodeJson, encodeJson } from '../../json-body.js';
import type { RpcRequest, RpcStream } from '../../rpc.js';
import { bytes, type ContractFixture, eventually, failure, text } from './contract-fixture.js';

/** Parts on their way. */
const CREDIT = 32;

export function streamContract(fixture: () => ContractFixture): void {
  function stream(service: string, options = {}): RpcStream {
    return fixture().caller.stream(service, 'do', bytes(''), { timeoutMs: 60_000, ...options });
  }

  /** Serves a method that sends its parts' numbers; tells how many it has sent. */
  async function counting(upTo: number): Promise<{ sent: number; ended: unknown }> {
    const state = { sent: 0, ended: undefined as unknown };
    await fixture().serve('counter', async (request) => {
      try {
        for (let at = 0; at < upTo; at++) {
          await request.send(bytes(`${at}`));
          state.sent++;
        }
      } catch (error) {
        state.ended = error;
        throw error;
      }
      return { body: bytes('done'), headers: { a: 1 } };
    });
    return state;
  }

  it('[RP-29] carries parts in order, then the reply', async () => {
    await counting(200);
    const counted = stream('counter');
    const parts: string[] = [];
    for await (const part of counted) parts.push(Buffer.from(part).toString());
    expect(parts).toEqual(Array.from({ length: 200 }, (_, at) => `${at}`));
    const reply = await counted.reply;
    expect([text(reply), reply.headers]).toEqual(['done', { a: 1 }]);
  });

  it('[RP-30] slows a worker whose parts are not read, and lets it go on when they are', async () => {
    const state = await counting(100);
    const counted = stream('counter');
    // The last of them is sent, but not said to be: the next may not follow.
    await eventually(() => expect(state.sent).toBe(CREDIT - 1));
    const reader = counted[Symbol.asyncIterator]();
    for (let at = 0; at < CREDIT / 2; at++) await reader.next();
    await eventually(() => expect(state.sent).toBe(CREDIT + CREDIT / 2 - 1));
    let rest = 0;
    while (!(await reader.next()).done) rest++;
    expect(rest).toBe(100 - CREDIT / 2);
    await counted.reply;
  });

  it('cancels the call when its reader leaves', async () => {
    const state = await counting(1_000);
    const counted = stream('counter');
    const failed = failure(counted.reply);
    for await (const part of counted) if (Buffer.from(part).toString() === '5') break;
    expect(await failed).toMatchObject({ name: 'CANCELLED' });
    await eventually(() => expect(state.ended).toMatchObject({ name: 'CANCELLED' }));
  });

  it('throws the error of a call after the parts that came before it', async () => {
    await fixture().serve('breaks', async (request) => {
      await request.send(bytes('1'));
      throw new ImError('FORBIDDEN');
    });
    const broken = stream('breaks');
    const failed = failure(broken.reply);
    const parts: string[] = [];
    const read = async () => {
      for await (const part of broken) parts.push(Buffer.from(part).toString());
    };
    expect(await failure(read())).toMatchObject({ name: 'FORBIDDEN' });
    expect(await failed).toMatchObject({ name: 'FORBIDDEN' });
    expect(parts).toEqual(['1']);
  });

  it('refuses to send parts to a call that is no stream', async () => {
    const outcomes: unknown[] = [];
    await fixture().serve('eager', async (request: RpcRequest) => {
      outcomes.push(request.isStream, await failure(request.send(bytes('1'))));
      return { body: bytes('well'), headers: {} };
    });
    expect(text(await fixture().call('eager'))).toBe('well');
    expect(outcomes).toMatchObject([false, { name: 'INVALID_ARGUMENT' }]);
  });

  it('[RP-42] refuses parts beyond the limit of bodies', async () => {
    await fixture().serve('wordy', async (request: RpcRequest) => {
      await request.send(new Uint8Array(10_001));
      return { body: bytes(''), headers: {} };
    });
    const wordy = stream('wordy');
    expect(await failure(wordy.reply)).toMatchObject({ name: 'BODY_TOO_LARGE' });
  });

  it('ends a stream at its deadline, for its reader and its worker', async () => {
    const state = await counting(1_000);
    const counted = stream('counter', { timeoutMs: 100 });
    const failed = failure(counted.reply);
    await eventually(() => expect(state.sent).toBe(CREDIT - 1));
    fixture().clock.advance(100);
    expect(await failed).toMatchObject({ name: 'DEADLINE_EXCEEDED' });
    await eventually(() => expect(state.ended).toMatchObject({ name: 'DEADLINE_EXCEEDED' }));
  });

  it('shows calls as they end to who taps, filtered, and tells what it left out', async () => {
    await fixture().echo('echo');
    await fixture().serve('broken', async () => {
      throw new ImError('FORBIDDEN');
    });
    const tap = (filter: object) =>
      fixture().caller.stream(BROKER_SERVICE, 'tap', encodeJson(filter), { timeoutMs: 60_000 });
    const [all, failed] = [tap({}), tap({ failed: true, service: 'broken' })];
    const ends = Promise.all([failure(all.reply), failure(failed.reply)]);
    const [everything, failures] = [all[Symbol.asyncIterator](), failed[Symbol.asyncIterator]()];
    // Taps are open once the broker has answered what came after them.
    await fixture().caller.call(BROKER_SERVICE, 'stats', bytes(''));
    for (let call = 0; call < CREDIT + 8; call++) await fixture().call('echo', 'four');
    await failure(fixture().call('broken'));
    const shown = async (parts: AsyncIterator<Uint8Array>) => decodeJson((await parts.next()).value as Uint8Array);
    expect(await shown(failures)).toMatchObject({ service: 'broken', method: 'do', error: 'FORBIDDEN', version: '1' });
    for (let part = 0; part < CREDIT; part++) {
      expect(await shown(everything)).toMatchObject({ service: 'echo', method: 'do', bytes: 4 });
    }
    await fixture().caller.call(BROKER_SERVICE, 'stats', bytes(''));
    await fixture().call('echo');
    expect(await shown(everything)).toMatchObject({ service: 'echo', dropped: 9 });
    await everything.return?.();
    await failures.return?.();
    expect(await ends).toMatchObject([{ name: 'CANCELLED' }, { name: 'CANCELLED' }]);
  });

  it('refuses a tap that is no stream, and one with a filter of another form', async () => {
    expect(await failure(fixture().caller.call(BROKER_SERVICE, 'tap', bytes('')))).toMatchObject({
      name: 'INVALID_INPUT',
    });
    const broken = fixture().caller.stream(BROKER_SERVICE, 'tap', encodeJson({ service: 5 }));
    expect(await failure(broken.reply)).toMatchObject({ name: 'INVALID_INPUT' });
  });
}
