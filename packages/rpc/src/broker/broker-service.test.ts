/** `$broker`: what `im rpc` asks. */
import { ImError } from '@im/protocol';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { BROKER_SERVICE } from '../broker-status.js';
import { decodeJson, encodeJson } from '../json-body.js';
import { createMemoryRpc } from '../memory/memory-rpc.js';
import type { Rpc, RpcCaller, ServedService } from '../rpc.js';
import type { TapFilter, TappedCall } from './taps.js';

let rpc: Rpc;
let caller: RpcCaller;
const answeredBy = { old: 0, new: 0 };

const service = (name: string, version: string, onCall: () => void = () => {}): ServedService => ({
  name,
  version,
  methods: ['run', 'fail'],
  async handle({ method }) {
    onCall();
    if (method === 'fail') throw new ImError('FORBIDDEN');
    return { body: encodeJson('done'), headers: {} };
  },
});

beforeEach(async () => {
  rpc = createMemoryRpc();
  caller = rpc.createCaller();
  Object.assign(answeredBy, { old: 0, new: 0 });
  await rpc.createWorker().serve(service('a', '1.0.0', () => void answeredBy.old++));
  await rpc.createWorker().serve(service('a', '1.1.0', () => void answeredBy.new++));
  await rpc.createWorker().serve(service('b', '1.0.0'));
});
afterEach(() => rpc.close());

const ask = async (method: string, input?: unknown): Promise<unknown> =>
  decodeJson((await caller.call(BROKER_SERVICE, method, encodeJson(input))).body);
const run = (name: string, method = 'run') => caller.call(name, method, encodeJson(undefined)).catch(() => {});

it('gives each version its share of the calls, and all workers theirs once the weights are taken away', async () => {
  expect(await ask('weights', { service: 'a', weights: { '1.1.0': 10, '1.0.0': 90 } })).toEqual({
    '1.1.0': 10,
    '1.0.0': 90,
  });
  for (let call = 0; call < 100; call += 1) await run('a');
  expect(answeredBy).toEqual({ old: 90, new: 10 });
  expect(await ask('weights', { service: 'a', weights: {} })).toEqual({});
  for (let call = 0; call < 100; call += 1) await run('a');
  expect(answeredBy).toEqual({ old: 140, new: 60 });
});

it.each([undefined, {}, { service: 'a' }, { service: 'a', weights: [1] }, { service: 'a', weights: { '1.0.0': -1 } }])(
  'refuses the weights %j',
  async (input) => {
    await expect(ask('weights', input)).rejects.toMatchObject({ name: 'INVALID_INPUT' });
  },
);

it('says that nobody serves what weights are given to', async () => {
  await expect(ask('weights', { service: 'z', weights: {} })).rejects.toMatchObject({ name: 'SERVICE_UNKNOWN' });
});

it.each<[TapFilter, string[]]>([
  [{}, ['a.run', 'a.fail FORBIDDEN', 'b.run', 'b.fail FORBIDDEN']],
  [{ service: 'b' }, ['b.run', 'b.fail FORBIDDEN']],
  [{ method: 'run' }, ['a.run', 'b.run']],
  [{ failed: true, service: 'a' }, ['a.fail FORBIDDEN']],
  [{ slowerThanMs: 60_000 }, []],
])('shows those calls that a tap with the filter %j asks for', async (filter, expected) => {
  const seen: string[] = [];
  const ended = new AbortController();
  const tap = caller.stream(BROKER_SERVICE, 'tap', encodeJson(filter), { signal: ended.signal });
  tap.reply.catch(() => {});
  const reading = (async () => {
    for await (const part of tap) {
      const { service: name, method, error } = decodeJson(part) as TappedCall;
      seen.push([`${name}.${method}`, ...(error === undefined ? [] : [error])].join(' '));
    }
  })();
  for (const name of ['a', 'b']) for (const method of ['run', 'fail']) await run(name, method);
  await vi.waitFor(() => expect(seen).toEqual(expected));
  ended.abort();
  await expect(reading).rejects.toMatchObject({ name: 'CANCELLED' });
});

it('refuses a filter that is none, and a tap of somebody who takes no parts', async () => {
  const tap = caller.stream(BROKER_SERVICE, 'tap', encodeJson({ slowerThanMs: 'long' }));
  await expect(tap.reply).rejects.toMatchObject({ name: 'INVALID_INPUT' });
  await expect(ask('tap', {})).rejects.toMatchObject({ name: 'INVALID_INPUT' });
});
