/** Gateways that are emptied over a window: docs/protocol.md, section 9. */
import { RecordingMetrics, seededRandom } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effects, GatewayFixture } from '../testing/index.js';

const WINDOW = { windowMs: 10_000, random: seededRandom(3) };

describe('a gateway that is drained', () => {
  let fixture: GatewayFixture;
  const metrics = new RecordingMetrics();
  beforeEach(async () => {
    fixture = await new GatewayFixture({ metrics }).serve();
  });
  afterEach(() => fixture.close());

  it('tells each client its own time, an address and a ticket, once, and settles when all have left [PR-123] [PR-132]', async () => {
    const links = await Promise.all(Array.from({ length: 20 }, (_, index) => fixture.enter(`user-${index}`)));
    let count = 0;
    let isEmpty = false;
    const nextAddress = (): string => `wss://g${count++ % 2}.test/im`;
    const drained = fixture.gateway.drain({ ...WINDOW, nextAddress }).then(() => {
      isEmpty = true;
    });
    fixture.clock.advance(5_000);
    const asked = links.map((link) => link.all('drain'));
    expect(asked.every((each) => each.length === 1)).toBe(true);
    expect(new Set(asked.map(([drain]) => drain?.afterMs)).size).toBe(20);
    expect(new Set(asked.map(([drain]) => drain?.address))).toEqual(new Set(['wss://g0.test/im', 'wss://g1.test/im']));
    for (const link of links.slice(0, -1)) link.disconnect();
    await new Promise(setImmediate);
    expect(isEmpty).toBe(false);
    links.at(-1)?.disconnect();
    await drained;
    expect(fixture.gateway.connections).toBe(0);
  });

  it('hands out tickets with which others resume, with what was joined after it had told so [PR-123]', async () => {
    const other = fixture.another();
    const ann = await fixture.enter('ann');
    const drained = fixture.gateway.drain(WINDOW);
    await ann.until('drain');
    ann.say({ type: 'call', id: 2, ...effects({ type: 'join', group: 'r:1' }) });
    const { ticket } = await ann.until('ticket');
    ann.disconnect();
    await drained;
    const again = await fixture.enter('ann', { ticket }, other);
    const { resumed, groups } = await again.until('welcome');
    expect([resumed, groups.map(({ group }) => group)]).toEqual([true, expect.arrayContaining(['r:1'])]);
  });

  it('carries out commands and sends pushes until a client leaves; who stays is refused new commands, answered and closed with 4000 [PR-133]', async () => {
    const ann = await fixture.enter('ann');
    ann.say({ type: 'call', id: 2, ...effects({ type: 'join', group: 'r:1' }) });
    await ann.answerTo(2);
    const drained = fixture.gateway.drain(WINDOW);
    const { afterMs } = await ann.until('drain');
    fixture.clock.advance(afterMs);
    ann.say({ type: 'call', id: 3, method: 'test.echo', data: 'still here' });
    expect(await ann.answerTo(3)).toMatchObject({ type: 'reply', data: 'still here' });
    await fixture.gift('r:1', 'rocket');
    await ann.until('push', ({ data }) => data === 'rocket');
    ann.say({ type: 'call', id: 4, method: 'test.held', data: 'key' });
    fixture.clock.advance(2_990);
    expect(ann.closedWith).toBeUndefined();
    fixture.clock.advance(50);
    ann.say({ type: 'call', id: 5, method: 'test.echo' });
    expect(await ann.answerTo(5)).toMatchObject({ name: 'SHUTTING_DOWN', retryable: true });
    expect(ann.closedWith).toBeUndefined();
    await fixture.answer('key');
    expect(await ann.answerTo(4)).toMatchObject({ type: 'reply', data: 'key' });
    expect(await ann.untilClosed()).toMatchObject({ code: 4000 });
    await drained;
  });

  it('takes no new connections, and closes who is not let in yet when their time comes [PR-126] [PR-132]', async () => {
    const unknown = fixture.connect();
    const drained = fixture.gateway.drain(WINDOW);
    expect(metrics.value('im_gateway_draining')).toBe(1);
    expect(await fixture.connect().untilClosed()).toMatchObject({ code: 4004 });
    expect(unknown.closedWith).toBeUndefined();
    // Its hello is late by then, too.
    fixture.clock.advance(4_000);
    expect(unknown.closedWith).toBeUndefined();
    fixture.clock.advance(10_000);
    expect(unknown.closedWith).toBeDefined();
    await drained;
  });

  it('tells who is let in later as soon as they are, with what is left of their time and the address that is next then [PR-132]', async () => {
    const [ann, bob] = [fixture.connect(), fixture.connect()];
    let asked = 0;
    const drained = fixture.gateway.drain({ ...WINDOW, nextAddress: () => `wss://g${++asked}.test/` });
    fixture.clock.advance(4_000);
    expect(asked).toBe(0);
    bob.say({ type: 'hello', id: 1, token: 'user:bob', device: 'd1', platform: 'web' });
    const { afterMs, address } = await bob.until('drain');
    expect(address).toBe('wss://g1.test/');
    // Of two clients the second leaves in the second half of the window, of which four seconds have passed.
    expect(afterMs).toBeGreaterThanOrEqual(1_000);
    expect(afterMs).toBeLessThanOrEqual(6_000);
    expect(bob.all('drain')).toHaveLength(1);
    ann.disconnect();
    bob.disconnect();
    await drained;
    expect(asked).toBe(1);
  });

  it('does not tell who is let in once the drain is ended', async () => {
    const ann = fixture.connect();
    const drained = fixture.gateway.drain(WINDOW);
    fixture.gateway.endDrain();
    await drained;
    ann.say({ type: 'hello', id: 1, token: 'user:ann', device: 'd1', platform: 'web' });
    await ann.until('welcome');
    ann.say({ type: 'call', id: 2, method: 'test.echo' });
    await ann.answerTo(2);
    expect(ann.all('drain')).toEqual([]);
  });

  it('settles also when calls are never answered, and closes with 4000 when it is stopped then [PR-124]', async () => {
    const ann = await fixture.enter('ann');
    ann.say({ type: 'call', id: 2, method: 'test.never', timeoutMs: 100_000 });
    let isSettled = false;
    const drained = fixture.gateway.drain({ windowMs: 1_000 }).then(() => {
      isSettled = true;
    });
    fixture.clock.advance(8_900);
    await new Promise(setImmediate);
    expect([isSettled, ann.closedWith]).toEqual([false, undefined]);
    fixture.clock.advance(100);
    await drained;
    await fixture.gateway.stop({ graceMs: 0 });
    expect(ann.closedWith).toMatchObject({ code: 4000 });
  });

  it('gives those who are left new times when it is drained again, and settles the earlier drain', async () => {
    const ann = await fixture.enter('ann');
    const earlier = fixture.gateway.drain({ windowMs: 3_600_000, nextAddress: () => 'wss://slow.test/' });
    const later = fixture.gateway.drain({ windowMs: 1_000, nextAddress: () => 'wss://soon.test/' });
    expect(ann.all('drain').at(-1)).toMatchObject({ address: 'wss://soon.test/' });
    expect(ann.all('drain').at(-1)?.afterMs).toBeLessThanOrEqual(1_000);
    ann.disconnect();
    await Promise.all([earlier, later]);
  });

  it('takes connections again when the drain is ended, and keeps who was not asked to move', async () => {
    const links = [await fixture.enter('ann'), await fixture.enter('bob')];
    const drained = fixture.gateway.drain(WINDOW);
    fixture.gateway.endDrain();
    await drained;
    expect(metrics.value('im_gateway_draining')).toBe(0);
    fixture.clock.advance(20_000);
    expect(links.map((link) => [link.all('drain').length, link.closedWith])).toEqual([
      [1, undefined],
      [0, undefined],
    ]);
    await fixture.enter('eve');
  });

  it('asks who is left to move at once, to an address, when it is stopped meanwhile [PR-124]', async () => {
    const [ann, bob] = [await fixture.enter('ann'), await fixture.enter('bob')];
    const drained = fixture.gateway.drain({ ...WINDOW, nextAddress: () => 'wss://g2.test/' });
    expect(bob.all('drain')).toEqual([]);
    await fixture.gateway.stop();
    for (const link of [ann, bob]) {
      expect(link.all('drain').at(-1)).toMatchObject({ afterMs: 0, address: 'wss://g2.test/' });
      expect(link.closedWith).toMatchObject({ code: 4000 });
    }
    await drained;
  });
});
