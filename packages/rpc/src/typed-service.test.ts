import { ImError } from '@im/protocol';
import { noMetrics, silentLogger } from '@im/protocol/ports';
import { FakeClock } from '@im/protocol/testing';
import { afterAll, afterEach, describe, expect, expectTypeOf, it } from 'vitest';
import { z } from 'zod';
import { createMemoryRpc } from './memory/index.js';
import type { CallOptions, RpcCaller } from './rpc.js';
import { type Handlers, implementService } from './served-service.js';
import { type ClientReply, createServiceClient } from './service-client.js';
import { defineService } from './service-definition.js';

const room = defineService({
  name: 'room',
  methods: {
    enter: {
      input: z.object({ room: z.string().min(1), as: z.enum(['viewer', 'host']).default('viewer') }),
      output: z.object({ count: z.number().int(), hidden: z.boolean().default(false) }),
    },
    count: { input: z.undefined(), output: z.number(), idempotent: true },
  },
});
type Room = typeof room.methods;

const enterNothing: Handlers<Room> = { enter: () => ({ count: 0 }), count: () => 0 };

const clock = new FakeClock();
const rpc = createMemoryRpc({ clock, logger: silentLogger, metrics: noMetrics });
const caller = rpc.createCaller();
let stop: () => Promise<void> = async () => {};

async function serve(handlers: Partial<Handlers<Room>>) {
  const service = implementService(room, { ...enterNothing, ...handlers }, { version: '1.0.0' });
  const registration = await rpc.createWorker().serve(service);
  stop = () => registration.drain();
  return createServiceClient(room, caller);
}

/** A caller that notes what it is asked for and answers the same to everything. */
function notingCaller(body = '0'): RpcCaller & { asked: { method: string; body: string; options: CallOptions }[] } {
  const asked: { method: string; body: string; options: CallOptions }[] = [];
  return {
    asked,
    async call(_service, method, bytes, options = {}) {
      asked.push({ method, body: new TextDecoder().decode(bytes), options });
      return { body: new TextEncoder().encode(body), headers: { effects: [] } };
    },
    stream() {
      throw new Error('nobody streams here');
    },
    async close() {},
  };
}

afterEach(() => stop());

afterAll(async () => {
  await rpc.close();
  expect(clock.pendingTimers).toBe(0);
});

describe('a typed service', () => {
  it('gives the handler the checked input with defaults, and the caller the checked output with defaults', async () => {
    const inputs: unknown[] = [];
    const client = await serve({
      enter: (input) => {
        inputs.push(input);
        return { count: 3 };
      },
    });
    expect(await client.enter({ room: '1' })).toEqual({ count: 3, hidden: false });
    expect(inputs).toEqual([{ room: '1', as: 'viewer' }]);
  });

  it('lets a method without input be called without arguments', async () => {
    const client = await serve({ count: async () => 12 });
    expect(await client.count()).toBe(12);
    expect(await client.count(undefined, { timeoutMs: 50 })).toBe(12);
  });

  it('answers INVALID_INPUT with path and message of what does not fit, and does not call the handler', async () => {
    let entered = 0;
    const client = await serve({
      enter: () => {
        entered++;
        return { count: 0 };
      },
    });
    const error = await client.enter({ room: '', as: 'ghost' as 'host' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ImError);
    expect(error).toMatchObject({ name: 'INVALID_INPUT', retryable: false });
    expect((error as ImError).details).toEqual({
      issues: [
        { path: ['room'], message: expect.any(String) },
        { path: ['as'], message: expect.any(String) },
      ],
    });
    expect(entered).toBe(0);
  });

  it('tells at most ten issues, whatever a schema finds', async () => {
    const many = defineService({
      name: 'many',
      methods: { send: { input: z.array(z.string()), output: z.undefined() } },
    });
    const registration = await rpc.createWorker().serve(implementService(many, { send() {} }, { version: '1' }));
    stop = () => registration.drain();
    const error = await createServiceClient(many, caller)
      .send(Array.from({ length: 500 }, () => 1 as unknown as string))
      .catch((thrown: unknown) => thrown);
    expect((error as ImError).details?.issues).toHaveLength(10);
  });

  it.each([
    ['broken JSON', '{"room":'],
    ['two values', '{} {}'],
    ['a byte order mark', '\ufeff{"room":"1"}'],
  ])('answers INVALID_INPUT to %s', async (_, text) => {
    await serve({});
    const call = caller.call('room', 'enter', new TextEncoder().encode(text));
    await expect(call).rejects.toMatchObject({ name: 'INVALID_INPUT', details: { issues: [{ path: [] }] } });
  });

  it('answers INVALID_INPUT to bytes that are not UTF-8', async () => {
    await serve({});
    const body = new Uint8Array([0x22, 0xff, 0x22]);
    await expect(caller.call('room', 'enter', body)).rejects.toMatchObject({ name: 'INVALID_INPUT' });
  });

  it('answers INVALID_OUTPUT instead of what the handler should not have answered', async () => {
    const client = await serve({ enter: () => ({ count: 'many' as unknown as number }) });
    await expect(client.enter({ room: '1' })).rejects.toMatchObject({
      name: 'INVALID_OUTPUT',
      details: { issues: [{ path: ['count'] }] },
    });
  });

  it('answers INVALID_OUTPUT for what a schema lets through and JSON cannot say', async () => {
    const big = defineService({ name: 'big', methods: { get: { input: z.undefined(), output: z.bigint() } } });
    const registration = await rpc.createWorker().serve(implementService(big, { get: () => 1n }, { version: '1' }));
    stop = () => registration.drain();
    await expect(createServiceClient(big, caller).get()).rejects.toMatchObject({ name: 'INVALID_OUTPUT' });
  });

  it('waits for schemas that take their time', async () => {
    const slow = defineService({
      name: 'slow',
      methods: {
        double: {
          input: z.string().transform(async (digits) => Number(digits)),
          output: z.number().refine(async (value) => value < 10),
        },
      },
    });
    const double = (value: number) => value * 2;
    const registration = await rpc.createWorker().serve(implementService(slow, { double }, { version: '1' }));
    stop = () => registration.drain();
    const client = createServiceClient(slow, caller);
    expect(await client.double('4')).toBe(8);
    await expect(client.double('5')).rejects.toMatchObject({ name: 'INVALID_OUTPUT' });
    await expect(client.double(5 as unknown as string)).rejects.toMatchObject({ name: 'INVALID_INPUT' });
  });

  it('passes the handler the headers and sends its reply headers along', async () => {
    const client = await serve({
      enter: (_, { headers, replyHeaders }) => {
        replyHeaders.effects = [{ type: 'join', group: headers.group }];
        return { count: 1 };
      },
    });
    expect(await client.enter.reply({ room: '1' }, { headers: { group: 'r:1' } })).toEqual({
      output: { count: 1, hidden: false },
      headers: { effects: [{ type: 'join', group: 'r:1' }] },
    });
  });

  it('calls handlers as methods of their object', async () => {
    class RoomHandlers implements Handlers<Room> {
      #entered = 0;
      enter() {
        this.#entered++;
        return { count: this.#entered };
      }
      count() {
        return this.#entered;
      }
    }
    const registration = await rpc
      .createWorker()
      .serve(implementService(room, new RoomHandlers(), { version: '1.0.0' }));
    stop = () => registration.drain();
    const client = createServiceClient(room, caller);
    await client.enter({ room: '1' });
    expect(await client.count()).toBe(1);
  });

  it('refuses to be implemented without all its handlers, and to be declared with names outside the grammar', () => {
    const { enter } = enterNothing;
    expect(() => implementService(room, { enter } as Handlers<Room>, { version: '1' })).toThrow(/room\.count/);
    expect(() => defineService({ name: '$broker', methods: {} })).toThrow(ImError);
    expect(() => defineService({ name: 'a', methods: { 'b.c': room.methods.count } })).toThrow(ImError);
  });
});

describe('types of handlers', () => {
  const shop = defineService({
    name: 'shop',
    methods: { buy: { input: z.object({ item: z.string() }), output: z.object({ ok: z.literal(true) }) } },
  });

  it('keep the literals that handlers return, and refuse others', () => {
    implementService(shop, { buy: () => ({ ok: true }) }, { version: '1' });
    implementService(shop, { buy: async () => ({ ok: true }) }, { version: '1' });
    const { methods } = implementService(
      shop,
      {
        async buy({ item }) {
          await Promise.resolve(item);
          return { ok: true };
        },
      },
      { version: '1' },
    );
    // @ts-expect-error not what the schema says
    implementService(shop, { buy: async () => ({ ok: false }) }, { version: '1' });
    expect(methods).toEqual(['buy']);
  });
});

describe('a client of a typed service', () => {
  it('joins defaults and options, and the options win', async () => {
    const noting = notingCaller();
    const client = createServiceClient(room, noting, { timeoutMs: 500, headers: { tenant: 'a', trace: 'b' } });
    await client.count();
    await client.count(undefined, { timeoutMs: 20, headers: { trace: 'c' }, key: 'k', routingKey: 'r' });
    expect(noting.asked).toMatchObject([
      { method: 'count', body: '', options: { timeoutMs: 500, headers: { tenant: 'a', trace: 'b' } } },
      {
        options: { timeoutMs: 20, headers: { tenant: 'a', trace: 'c' }, idempotencyKey: 'k', routingKey: 'r' },
      },
    ]);
  });

  it('marks calls of methods declared idempotent, and no others', async () => {
    const noting = notingCaller('{"count":1,"hidden":true}');
    const client = createServiceClient(room, noting);
    await client.count();
    await client.enter({ room: '1' });
    expect(noting.asked.map(({ options }) => options.idempotent)).toEqual([true, undefined]);
  });

  it('refuses input that JSON cannot say before it calls', async () => {
    const noting = notingCaller();
    const call = createServiceClient(room, noting).enter({ room: 1n as unknown as string });
    await expect(call).rejects.toMatchObject({ name: 'INVALID_ARGUMENT', details: { argument: 'input' } });
    expect(noting.asked).toEqual([]);
  });

  it('fails with INVALID_OUTPUT when the answer is no JSON', async () => {
    await expect(createServiceClient(room, notingCaller('{')).count()).rejects.toMatchObject({
      name: 'INVALID_OUTPUT',
    });
  });

  it('has the types of the declaration', () => {
    const client = createServiceClient(room, notingCaller());
    expectTypeOf(client).toHaveProperty('enter');
    expectTypeOf(client).not.toHaveProperty('leave');
    expectTypeOf(client.enter).parameter(0).toEqualTypeOf<{ room: string; as?: 'viewer' | 'host' | undefined }>();
    expectTypeOf(client.enter).returns.resolves.toEqualTypeOf<{ count: number; hidden: boolean }>();
    expectTypeOf(client.enter.reply).returns.resolves.toEqualTypeOf<ClientReply<{ count: number; hidden: boolean }>>();
    expectTypeOf(client.count).toBeCallableWith();
    // @ts-expect-error input is not optional where the schema does not take undefined
    expectTypeOf(client.enter).toBeCallableWith();
    expectTypeOf<Parameters<Handlers<Room>['enter']>[0]>().toEqualTypeOf<{ room: string; as: 'viewer' | 'host' }>();
    expectTypeOf<Awaited<ReturnType<Handlers<Room>['enter']>>>().toEqualTypeOf<{
      count: number;
      hidden?: boolean | undefined;
    }>();
  });
});
