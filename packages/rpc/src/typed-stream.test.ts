import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { createMemoryRpc } from './memory/index.js';
import type { Rpc } from './rpc.js';
import { type Handlers, implementService } from './served-service.js';
import { createServiceClient } from './service-client.js';
import { defineService } from './service-definition.js';

const clock = defineService({
  name: 'counter',
  methods: {
    count: {
      input: z.object({ upTo: z.number().int() }),
      parts: z.object({ at: z.number(), unit: z.string().default('s') }),
      output: z.object({ done: z.boolean() }),
    },
    plain: { input: z.undefined(), output: z.number() },
  },
});

let rpc: Rpc;

beforeEach(() => {
  rpc = createMemoryRpc();
});

afterEach(() => rpc.close());

async function serve(count: Handlers<(typeof clock)['methods']>['count']) {
  await rpc.createWorker().serve(implementService(clock, { count, plain: () => 1 }, { version: '1' }));
  return createServiceClient(clock, rpc.createCaller());
}

describe('a typed stream', () => {
  it('gives checked parts in order, with defaults, and then the output', async () => {
    const client = await serve(async ({ upTo }, context) => {
      for (let at = 1; at <= upTo; at++) await context.send({ at });
      return { done: true };
    });
    const stream = client.count.stream({ upTo: 100 });
    const parts = [];
    for await (const part of stream) parts.push(part);
    expect(parts).toEqual(Array.from({ length: 100 }, (_, i) => ({ at: i + 1, unit: 's' })));
    expect(await stream.output).toEqual({ done: true });
  });

  it('fails by the iteration and by the output, after the parts that came', async () => {
    const client = await serve(async (_, context) => {
      await context.send({ at: 1 });
      await context.send({ at: 'two' } as never);
      return { done: true };
    });
    const stream = client.count.stream({ upTo: 2 });
    const parts: unknown[] = [];
    await expect(
      (async () => {
        for await (const part of stream) parts.push(part);
      })(),
    ).rejects.toMatchObject({ name: 'INVALID_OUTPUT' });
    expect(parts).toHaveLength(1);
    await expect(stream.output).rejects.toMatchObject({ name: 'INVALID_OUTPUT' });
  });

  it('ends the handler when its reader leaves', async () => {
    let reason: unknown;
    let ended: () => void = () => {};
    const over = new Promise<void>((resolve) => {
      ended = resolve;
    });
    const client = await serve(async (_, context) => {
      try {
        for (let at = 0; ; at++) await context.send({ at });
      } catch (error) {
        reason = error;
        ended();
        throw error;
      }
    });
    for await (const { at } of client.count.stream({ upTo: 0 })) if (at === 40) break;
    await over;
    expect(reason).toMatchObject({ name: 'CANCELLED' });
  });

  it('ends a reader that waits for a part when the stream is left', async () => {
    await serve(async (_, context) => {
      await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve()));
      return { done: true };
    });
    const stream = rpc.createCaller().stream('counter', 'count', new TextEncoder().encode('{"upTo":1}'));
    const reader = stream[Symbol.asyncIterator]();
    const waiting = reader.next();
    await reader.return?.();
    expect(await waiting).toEqual({ done: true, value: undefined });
    await expect(stream.reply).rejects.toMatchObject({ name: 'CANCELLED' });
  });

  it('sends no more than 32 parts ahead of its reader', async () => {
    let sent = 0;
    const client = await serve(async ({ upTo }, context) => {
      while (sent < upTo) {
        sent++;
        await context.send({ at: sent });
      }
      return { done: true };
    });
    const stream = client.count.stream({ upTo: 200 });
    const reader = stream[Symbol.asyncIterator]();
    let most = 0;
    for (let read = 0; read < 200; read++) {
      most = Math.max(most, sent - read);
      await reader.next();
    }
    expect(most).toBeLessThanOrEqual(32);
    expect(await reader.next()).toMatchObject({ done: true });
  });

  it('refuses parts to who only called', async () => {
    const client = await serve(async (_, context) => {
      await context.send({ at: 1 });
      return { done: true };
    });
    await expect(client.count({ upTo: 1 })).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
  });
});
