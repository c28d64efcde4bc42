// Section 4 of docs/protocol.md: calls.
import type { LogReader, LogStore } from '@im/timeline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effects, type FakeLink, GatewayFixture } from '../testing/index.js';

describe('calls', () => {
  let fixture: GatewayFixture;
  let ann: FakeLink;
  beforeEach(async () => {
    fixture = await new GatewayFixture().serve();
    ann = await fixture.enter('ann', { device: 'phone-1', platform: 'ios' });
  });
  afterEach(() => fixture.close());

  it('passes the bytes of data on unchanged, and those of the answer back [PR-50] [PR-51]', async () => {
    const data = '{ "b" : 1.0e1,\t"a":[ "\\u00e9", null ] , "a" : "é😀" }';
    ann.say(`{"type":"call","id":2,"method":"test.echo","data": ${data} ,"timeoutMs":500}`);
    await ann.answerTo(2);
    expect(Buffer.from(fixture.calls[0]?.request.body ?? []).toString('utf8')).toBe(data);
    expect(Buffer.from(ann.chunks.at(-1) ?? []).toString('utf8')).toBe(`{"type":"reply","id":2,"data":${data}}`);
  });

  it('takes a call and an answer without data [PR-50]', async () => {
    ann.say({ type: 'call', id: 2, method: 'test.echo' });
    expect(await ann.answerTo(2)).toEqual({ type: 'reply', id: 2 });
    expect(fixture.calls[0]?.input).toBeUndefined();
  });

  it('tells the worker who calls', async () => {
    ann.say({ type: 'call', id: 2, method: 'test.echo' });
    ann.say({ type: 'call', id: 3, method: 'test.echo' });
    await ann.answerTo(3);
    const { session } = await ann.until('welcome');
    expect(fixture.calls.map(({ caller }) => caller)).toEqual([
      {
        ...{ gateway: 'gw-1', session, user: 'ann', device: 'phone-1', platform: 'ios', address: '203.0.113.7' },
        ...{ sequence: 1, attributes: {}, claims: {} },
      },
      expect.objectContaining({ sequence: 2 }),
    ]);
  });

  it('says which of service and method nobody serves [PR-52]', async () => {
    ann.say({ type: 'call', id: 2, method: 'nobody.home' }, { type: 'call', id: 3, method: 'test.unheardOf' });
    expect(await ann.answerTo(2)).toMatchObject({ type: 'error', code: 300, name: 'SERVICE_UNKNOWN' });
    expect(await ann.answerTo(3)).toMatchObject({ type: 'error', code: 301, name: 'METHOD_UNKNOWN' });
  });

  it('answers DEADLINE_EXCEEDED after the time the client gave, at most the limit [PR-53]', async () => {
    ann.say({ type: 'call', id: 2, method: 'test.never', timeoutMs: 700 });
    ann.say({ type: 'call', id: 3, method: 'test.never' });
    ann.say({ type: 'call', id: 4, method: 'test.never', timeoutMs: 3_600_000 });
    fixture.clock.advance(699);
    expect(ann.all('error')).toEqual([]);
    fixture.clock.advance(1);
    expect(await ann.answerTo(2)).toMatchObject({ code: 304, name: 'DEADLINE_EXCEEDED', retryable: true });
    fixture.clock.advance(9_299);
    expect(ann.all('error')).toHaveLength(1);
    fixture.clock.advance(1);
    expect(await ann.answerTo(3)).toMatchObject({ name: 'DEADLINE_EXCEEDED' });
    expect(await ann.answerTo(4)).toMatchObject({ name: 'DEADLINE_EXCEEDED' });
  });

  it('withdraws a call and tells the worker [PR-54]', async () => {
    ann.say({ type: 'call', id: 2, method: 'test.never' }, { type: 'cancel', call: 2 });
    expect(await ann.answerTo(2)).toMatchObject({ type: 'error', code: 1, name: 'CANCELLED' });
    ann.say({ type: 'call', id: 3, method: 'test.never' });
    await expect.poll(() => fixture.calls.length, { interval: 1 }).toBe(1);
    ann.say({ type: 'cancel', call: 3 });
    await ann.answerTo(3);
    expect(fixture.calls[0]?.request.signal.aborted).toBe(true);
  });

  it('does nothing for a cancelled id that is unknown, answered, or already being answered [PR-54]', async () => {
    ann.say({ type: 'cancel', call: 77 }, { type: 'call', id: 2, method: 'test.echo' });
    await ann.answerTo(2);
    ann.say({ type: 'cancel', call: 2 });
    ann.say({ type: 'call', id: 3, method: 'test.echo', data: 'x' });
    expect(await ann.answerTo(3)).toMatchObject({ type: 'reply' });
    expect(ann.messages.map(({ type }) => type)).toEqual(['welcome', 'reply', 'reply']);
  });

  it('does not withdraw a call whose answer is on its way: its effects are being carried out [PR-54]', async () => {
    let goOn: (() => void) | undefined;
    const slow = await new GatewayFixture({
      log: (log) => ({
        head: async (group) => {
          if (group === 'r:1') {
            await new Promise<void>((resolve) => {
              goOn = resolve;
            });
          }
          return log.head(group);
        },
        read: (group, range) => log.read(group, range),
      }),
    }).serve();
    const bob = await slow.enter('bob');
    bob.say({ type: 'call', id: 2, ...effects({ type: 'join', group: 'r:1' }) });
    await expect.poll(() => goOn, { interval: 1 }).toBeDefined();
    bob.say({ type: 'cancel', call: 2 });
    goOn?.();
    expect(await bob.answerTo(2)).toEqual({ type: 'reply', id: 2 });
    expect(bob.all('joined')).toHaveLength(1);
    await slow.close();
    expect(slow.rejected).toEqual([]);
  });

  it('lets no client call the services and methods of the system [PR-55]', async () => {
    ann.say(
      { type: 'call', id: 2, method: '$broker.services' },
      { type: 'call', id: 3, method: 'test.$effectsRejected' },
    );
    expect(await ann.answerTo(2)).toMatchObject({ type: 'error', name: 'MALFORMED', details: { field: 'method' } });
    expect(await ann.answerTo(3)).toMatchObject({ type: 'error', name: 'MALFORMED', details: { field: 'method' } });
    expect(fixture.rejected).toEqual([]);
  });

  it('tells the worker the key of a call, apart for each user [PR-56]', async () => {
    const bob = await fixture.enter('bob');
    for (const link of [ann, ann, bob]) {
      const id = link.messages.length + 1;
      link.say({ type: 'call', id, method: 'test.echo', key: 'gift-1' });
      await link.answerTo(id);
    }
    ann.say({ type: 'call', id: 50, method: 'test.echo' });
    await ann.answerTo(50);
    const keys = fixture.calls.map(({ request }) => request.idempotencyKey);
    expect(keys[0]).toBe(keys[1]);
    expect(keys[0]).toContain('gift-1');
    expect(keys[2]).not.toBe(keys[0]);
    expect(keys[3]).toBeUndefined();
  });

  it('counts calls and how long they took', async () => {
    const { RecordingMetrics } = await import('@im/protocol/testing');
    const metrics = new RecordingMetrics();
    const measured = await new GatewayFixture({ metrics }).serve();
    const bob = await measured.enter('bob');
    bob.say({ type: 'call', id: 2, method: 'test.never', timeoutMs: 250 });
    measured.clock.advance(250);
    await bob.answerTo(2);
    expect(metrics.observations('im_gateway_call_seconds')).toEqual([0.25]);
    expect(metrics.value('im_gateway_connections')).toBe(1);
    await measured.close();
    expect(metrics.value('im_gateway_connections')).toBe(0);
    expect(metrics.value('im_gateway_closed_total', { reason: 'GOING_AWAY' })).toBe(1);
  });
});

describe('the deadline of a call whose worker has answered', () => {
  const join = (group: string) => ({ type: 'join', group }) as const;
  let fixture: GatewayFixture;
  let ann: FakeLink;
  /** Lets the log of r:1 answer. */
  let answerLog: () => void;
  let asked: Promise<void>;
  beforeEach(async () => {
    const answering = new Promise<void>((resolve) => {
      answerLog = resolve;
    });
    let ask: () => void;
    asked = new Promise<void>((resolve) => {
      ask = resolve;
    });
    const log = (store: LogStore): LogReader => ({
      head: async (group) => {
        if (group === 'r:1') {
          ask();
          await answering;
        }
        return store.head(group);
      },
      read: (group, range) => store.read(group, range),
    });
    fixture = await new GatewayFixture({ log }).serve();
    ann = await fixture.enter('ann');
  });
  afterEach(async () => {
    await fixture.close();
    expect(fixture.clock.pendingTimers).toBe(0);
  });
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 6; i++) await new Promise(setImmediate);
  };

  it('holds for joins that wait for a slow log: those are given up and told to the worker, the others stay [PR-53] [PR-69] [PR-72]', async () => {
    ann.say({ type: 'call', id: 2, ...effects(join('r:1'), join('r:2')), timeoutMs: 700 });
    await asked;
    await ann.until('joined', ({ group }) => group === 'r:2');
    fixture.clock.advance(699);
    await settle();
    expect(ann.all('error')).toEqual([]);
    fixture.clock.advance(1);
    expect(await ann.answerTo(2)).toMatchObject({ type: 'error', name: 'DEADLINE_EXCEEDED', retryable: true });
    await expect
      .poll(() => fixture.rejected, { interval: 1 })
      .toMatchObject([{ user: 'ann', effects: [join('r:1')], reason: 'timed-out' }]);
    answerLog();
    await settle();
    expect(ann.all('joined').map(({ group }) => group)).toEqual(['r:2']);
    expect([await fixture.online.count('r:1'), await fixture.online.count('r:2')]).toEqual([0, 1]);
    ann.say({ type: 'call', id: 3, ...effects(join('r:1')) });
    expect(await ann.answerTo(3)).toMatchObject({ type: 'reply' });
    expect(ann.all('joined').map(({ group }) => group)).toEqual(['r:2', 'r:1']);
    expect(fixture.rejected).toHaveLength(1);
  });

  it('ends a join for the call it belongs to only, when a later one waits for it too [PR-53] [PR-72]', async () => {
    ann.say(
      { type: 'call', id: 2, ...effects(join('r:1')), timeoutMs: 1_500 },
      { type: 'call', id: 3, ...effects(join('r:1')), timeoutMs: 700 },
    );
    await asked;
    await settle();
    fixture.clock.advance(700);
    expect(await ann.answerTo(3)).toMatchObject({ name: 'DEADLINE_EXCEEDED' });
    answerLog();
    expect(await ann.answerTo(2)).toMatchObject({ type: 'reply' });
    expect(ann.all('joined')).toHaveLength(1);
    await expect.poll(() => fixture.rejected, { interval: 1 }).toHaveLength(1);
  });

  it('holds while a client that does not read is replayed what it missed: it stays in, and gets the rest [PR-53] [PR-72]', async () => {
    const { epoch } = await fixture.gift('r:2', 1);
    for (let i = 2; i <= 300; i++) await fixture.gift('r:2', i);
    ann.reads = false;
    for (let id = 91; id <= 95; id++) ann.say({ type: 'call', id, method: 'test.echo', data: 'x'.repeat(60_000) });
    await ann.answerTo(95);
    ann.say({
      ...{ type: 'call', id: 2, ...effects(join('r:2')), timeoutMs: 700 },
      since: { 'r:2': { epoch, version: 0 } },
    });
    await ann.until('joined');
    await settle();
    expect(ann.all('push').length).toBeLessThan(300);
    fixture.clock.advance(700);
    expect(await ann.answerTo(2)).toMatchObject({ type: 'error', name: 'DEADLINE_EXCEEDED' });
    ann.confirm();
    await expect.poll(() => ann.all('push').length, { interval: 1 }).toBe(300);
    await fixture.gift('r:2', 301);
    await ann.until('push', ({ data }) => data === 301);
    expect(ann.all('push').map(({ version }) => version)).toEqual(Array.from({ length: 301 }, (_, i) => i + 1));
    expect([ann.all('left'), fixture.rejected, await fixture.online.count('r:2')]).toEqual([[], [], 1]);
  });
});
