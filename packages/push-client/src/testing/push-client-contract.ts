/** What every push client promises, as a vitest suite that each of them runs. Needs vitest where it is imported. */
import type { Broadcast, Publisher } from '@im/broadcast';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { FakeSequencer, type RecordingSubscriber, subscribeRecording } from '@im/broadcast/testing';
import { ImError, MAX_BODY_BYTES, MAX_NESTING, type Terms } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import type { Rpc, RpcCaller } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { MAX_USERS, type PushClient, type PushMessage } from '../push-client.js';
import { FakeReceipts } from './fake-receipts.js';

export interface PushClientSetup {
  /** The client's own: closing it closes this. */
  readonly publisher: Publisher;
  readonly product: string | undefined;
  /** Reaches who counts receipts. */
  readonly receipts: RpcCaller;
  /** Of whoever stamps publications. */
  readonly clock: FakeClock;
}

const UNDER_PRODUCT = ['p1/r:1', 'p1/r:0', 'p1/u:ann', 'p1/u:bob'];

/** @param open makes a client of its own for each test, which the suite closes; what it stands on is closed with it */
export function describePushClientContract(name: string, open: (setup: PushClientSetup) => Promise<PushClient>): void {
  describe(`push client contract: ${name}`, () => {
    const clock = new FakeClock();
    let sequencer: FakeSequencer;
    let broadcast: Broadcast;
    let client: PushClient;
    let members: RecordingSubscriber;
    let rpc: Rpc;
    let counted: FakeReceipts;

    async function openFor(product?: string): Promise<PushClient> {
      return open({ publisher: broadcast.createPublisher(), receipts: rpc.createCaller(), product, clock });
    }

    beforeEach(async () => {
      sequencer = new FakeSequencer();
      broadcast = createMemoryBroadcast({ sequencer });
      rpc = createMemoryRpc();
      counted = new FakeReceipts();
      await counted.serve(rpc.createWorker());
      members = await subscribeRecording(broadcast, 'u:ann', 'u:bob', 'r:1', 'r:0', 'g:team', ...UNDER_PRODUCT);
      client = await openFor();
    });

    afterEach(async () => {
      sequencer.release();
      await client.close();
      await rpc.close();
      await broadcast.close();
    });

    /** What arrived, once everything that was published has. */
    async function arrived(count: number) {
      await vi.waitFor(() => expect(members.deliveries).toHaveLength(count), { interval: 2 });
      return members.deliveries;
    }

    const hello: PushMessage = { event: 'hello', data: { text: 'hi' } };

    it('reaches a user, a room, a group and everyone, and says which group it was', async () => {
      const published = [
        await client.toUser('ann', hello),
        await client.toRoom('1', hello),
        await client.toGroup('g:team', hello),
        await client.toAll(hello),
      ];
      expect(published.map(({ group }) => group)).toEqual(['u:ann', 'r:1', 'g:team', 'r:0']);
      expect((await arrived(4)).map(({ group }) => group)).toEqual(['u:ann', 'r:1', 'g:team', 'r:0']);
    });

    it('publishes event, body, lane, id and time', async () => {
      await client.toRoom('1', { event: 'gift', data: { n: 'é\n"' }, lane: 'priority', id: 'g-1' });
      const [delivery] = await arrived(1);
      expect(delivery).toMatchObject({ event: 'gift', lane: 'priority', id: 'g-1', time: clock.now(), version: 1 });
      expect(members.texts()).toEqual([JSON.stringify({ n: 'é\n"' })]);
    });

    it.each<[string, Terms]>([
      ['sender and reservation', { sender: 'ann 🎤', reserved: true }],
      ['latest', { conflate: { mode: 'latest', key: 'seat-1' } }],
      ['sum', { sender: 'bob', conflate: { mode: 'sum', key: 'like', amount: -3 } }],
    ])('publishes the terms of a normal push: %s', async (_, terms) => {
      await client.toRoom('1', { ...hello, ...terms });
      await client.toUsers(['ann', 'bob'], { ...hello, ...terms });
      await client.toRoom('1', hello);
      expect((await arrived(4)).map((delivery) => delivery.terms)).toEqual([terms, terms, terms, undefined]);
    });

    it('takes any JSON value as data, and null when there is none', async () => {
      for (const data of [[1, [2]], 'text', 0, false, null, undefined]) await client.toRoom('1', { event: 'e', data });
      await arrived(6);
      expect(members.texts()).toEqual(['[1,[2]]', '"text"', '0', 'false', 'null', 'null']);
    });

    it('answers a version on the priority lane, the same for the same id, and sends that once', async () => {
      const gift: PushMessage = { event: 'gift', lane: 'priority', id: 'g-1' };
      const first = await client.toRoom('1', gift, { acknowledge: 'durable' });
      expect(first).toMatchObject({ group: 'r:1', epoch: 'e1', version: 1 });
      expect(await client.toRoom('1', gift)).toMatchObject({ group: 'r:1', version: 1, duplicate: true });
      expect(await client.toRoom('1', { ...gift, id: 'g-2' })).toMatchObject({ version: 2 });
      await arrived(2);
    });

    it('sends pushes to one group in the order of the calls', async () => {
      const count = 50;
      await Promise.all(
        Array.from({ length: count }, (_, data) => client.toRoom('1', { event: 'n', data, lane: 'priority' })),
      );
      await arrived(count);
      expect(members.versions('r:1')).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    });

    it('reaches many users, each once', async () => {
      const { published, failed } = await client.toUsers(['ann', 'bob', 'ann'], { ...hello, lane: 'priority' });
      expect(published).toMatchObject([
        { group: 'u:ann', version: 1 },
        { group: 'u:bob', version: 1 },
      ]);
      expect(failed.size).toBe(0);
      await arrived(2);
    });

    it('tells which users it did not reach and why, and reaches the others', async () => {
      sequencer.failOnce(new ImError('STORE_UNAVAILABLE'), { group: 'u:ann' });
      const { published, failed } = await client.toUsers(['ann', 'bob'], { ...hello, lane: 'priority', id: 'm-1' });
      expect(published).toMatchObject([{ group: 'u:bob', version: 1 }]);
      expect([...failed.keys()]).toEqual(['u:ann']);
      expect(failed.get('u:ann')).toBeInstanceOf(ImError);
      expect(failed.get('u:ann')).toMatchObject({ name: 'STORE_UNAVAILABLE', retryable: true });
      const again = await client.toUsers(['ann', 'bob'], { ...hello, lane: 'priority', id: 'm-1' });
      expect(again.published).toMatchObject([
        { group: 'u:ann', version: 1 },
        { group: 'u:bob', duplicate: true },
      ]);
    });

    it('fails by code when the only group fails', async () => {
      sequencer.failOnce(new ImError('STORE_FULL', { retryable: false, details: { group: 'r:1' } }));
      await expect(client.toRoom('1', { event: 'gift', lane: 'priority' })).rejects.toMatchObject({
        name: 'STORE_FULL',
        retryable: false,
        details: { group: 'r:1' },
      });
    });

    it('reaches only its product, and shows groups without it', async () => {
      const own = await openFor('p1');
      expect(await own.toRoom('1', hello)).toMatchObject({ group: 'r:1' });
      expect(await own.toAll(hello)).toMatchObject({ group: 'r:0' });
      sequencer.failOnce(new ImError('STORE_FULL', { retryable: false }), { group: 'p1/u:ann' });
      const { published, failed } = await own.toUsers(['ann', 'bob'], { ...hello, lane: 'priority' });
      expect([...failed.keys()]).toEqual(['u:ann']);
      expect(published).toMatchObject([{ group: 'u:bob' }]);
      expect((await arrived(3)).map(({ group }) => group).sort()).toEqual(['p1/r:0', 'p1/r:1', 'p1/u:bob']);
      await expect(own.toGroup('p2/r:1', hello)).rejects.toMatchObject({ name: 'GROUP_INVALID' });
      await own.close();
    });

    it('reaches the product that a push names, each with logs of its own, and shows groups without it', async () => {
      const gift: PushMessage = { event: 'gift', lane: 'priority', id: 'g-1' };
      const product = 'p1';
      expect(await client.toRoom('1', gift, { product })).toMatchObject({ group: 'r:1', version: 1 });
      expect(await client.toGroup('r:1', gift)).not.toHaveProperty('duplicate');
      expect(await client.toAll(hello, { product })).toMatchObject({ group: 'r:0' });
      expect(await client.toUser('ann', hello, { product })).toMatchObject({ group: 'u:ann' });
      sequencer.failOnce(new ImError('STORE_FULL', { retryable: false }), { group: 'p1/u:ann' });
      const { published, failed } = await client.toUsers(['ann', 'bob'], gift, { product });
      expect([...failed.keys()]).toEqual(['u:ann']);
      expect(published).toMatchObject([{ group: 'u:bob', version: 1 }]);
      const groups = (await arrived(5)).map(({ group }) => group);
      expect(groups.sort()).toEqual(['p1/r:0', 'p1/r:1', 'p1/u:ann', 'p1/u:bob', 'r:1']);
    });

    it('refuses another product than its own, and sends nothing', async () => {
      const own = await openFor('p1');
      for (const push of [own.toRoom('1', hello, { product: 'p2' }), own.toUsers(['ann'], hello, { product: 'p2' })]) {
        await expect(push).rejects.toMatchObject({ name: 'INVALID_ARGUMENT', details: { field: 'product' } });
      }
      await own.toRoom('1', hello, { product: 'p1' });
      await arrived(1);
      await own.close();
    });

    it.each(['', 'P1', '1p', 'p1/r', 'a'.repeat(17), null])('refuses the product %j', async (product) => {
      const options = { product: product as string };
      const refusal = { name: 'INVALID_ARGUMENT', details: { field: 'product' } };
      await expect(client.toRoom('1', hello, options)).rejects.toMatchObject(refusal);
      await expect(client.toUsers(['ann'], hello, options)).rejects.toMatchObject(refusal);
    });

    it.each<[string, (pushing: PushClient) => Promise<unknown>]>([
      ['a user', (pushing) => pushing.toUser('a b', hello)],
      ['one of many users', (pushing) => pushing.toUsers(['ann', ''], hello)],
      ['a room', (pushing) => pushing.toRoom('r:1', hello)],
      ['a group', (pushing) => pushing.toGroup('team', hello)],
      ['a group of a product', (pushing) => pushing.toGroup('p1/r:1', hello)],
    ])('refuses the name of %s outside the grammar, and sends nothing', async (_, push) => {
      await expect(push(client)).rejects.toMatchObject({ name: 'GROUP_INVALID' });
      await client.toRoom('1', hello);
      await arrived(1);
    });

    it.each<[string, Partial<Record<keyof PushMessage, unknown>>, string]>([
      ['no event', { event: '' }, 'event'],
      ['an event of the system', { event: '$kick' }, 'event'],
      ['an unknown lane', { lane: 'fast' }, 'lane'],
      ['an empty id', { id: '' }, 'id'],
      ['an id too long', { id: 'x'.repeat(65) }, 'id'],
      ['an id with half a character', { id: '\ud800' }, 'id'],
      ['an empty sender', { sender: '' }, 'sender'],
      ['a sender that is no text', { sender: 7 }, 'sender'],
      ['a reservation that is neither true nor false', { reserved: 'yes' }, 'reserved'],
      ['conflation that is no object', { conflate: 'sum' }, 'conflate'],
      ['an unknown way of conflation', { conflate: { mode: 'first', key: 'k' } }, 'conflate.mode'],
      ['conflation without key', { conflate: { mode: 'latest' } }, 'conflate.key'],
      ['a sum without amount', { conflate: { mode: 'sum', key: 'k' } }, 'conflate.amount'],
      ['an amount that is no integer', { conflate: { mode: 'sum', key: 'k', amount: 0.5 } }, 'conflate.amount'],
      ['a sender on the priority lane', { lane: 'priority', sender: 'ann' }, 'sender'],
      ['conflation on the priority lane', { lane: 'priority', conflate: { mode: 'latest', key: 'k' } }, 'conflate'],
      ['data that JSON cannot say', { data: () => {} }, 'data'],
      ['data that contains a BigInt', { data: { n: 1n } }, 'data'],
      ['data nested too deep', { data: nested(MAX_NESTING + 1) }, 'data'],
    ])('refuses %s by the name of the field, and sends nothing', async (_, broken, field) => {
      const message = { ...hello, ...broken } as PushMessage;
      await expect(client.toRoom('1', message)).rejects.toMatchObject({
        name: 'INVALID_ARGUMENT',
        details: { field },
      });
      await expect(client.toUsers(['ann'], message)).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
      await client.toRoom('1', { event: 'hello', data: nested(MAX_NESTING) });
      await arrived(1);
    });

    it('refuses bodies beyond the limit, takes those at the limit, and counts bytes of UTF-8', async () => {
      const fits = 'é'.repeat((MAX_BODY_BYTES - 2) / 2);
      await client.toRoom('1', { event: 'e', data: fits });
      await expect(client.toRoom('1', { event: 'e', data: `${fits}.` })).rejects.toMatchObject({
        name: 'BODY_TOO_LARGE',
        details: { field: 'data', limitBytes: MAX_BODY_BYTES },
      });
      await arrived(1);
    });

    it('refuses to reach nobody, and too many at once', async () => {
      await expect(client.toUsers([], hello)).rejects.toMatchObject({ name: 'INVALID_ARGUMENT' });
      const crowd = Array.from({ length: MAX_USERS + 1 }, (_, i) => `u${i}`);
      await expect(client.toUsers(crowd, hello)).rejects.toMatchObject({ details: { field: 'users' } });
      expect((await client.toUsers(crowd.slice(1), hello)).published).toHaveLength(MAX_USERS);
    });

    it('refuses an acknowledgement that does not exist', async () => {
      await expect(client.toRoom('1', hello, { acknowledge: 'maybe' as 'none' })).rejects.toMatchObject({
        name: 'INVALID_ARGUMENT',
        details: { field: 'acknowledge' },
      });
    });

    describe('receipts', () => {
      const news: PushMessage = { event: 'news', lane: 'priority', id: 'news 1/ö' };
      const id = 'news 1/ö';
      const receipt = true;

      /** Lets time go on until it settles. */
      async function settled<Result>(waiting: Promise<Result>): Promise<Result> {
        let isSettled = false;
        const settle = () => {
          isSettled = true;
        };
        waiting.then(settle, settle);
        await vi.waitFor(
          () => {
            clock.advance(100);
            expect(isSettled).toBe(true);
          },
          { interval: 5, timeout: 5_000 },
        );
        return waiting;
      }

      it('say how many have a push, of how many; those who wait are told when enough have it', async () => {
        await client.toUsers(['ann', 'bob', 'ann'], news, { receipt });
        expect((await arrived(2)).map((delivery) => delivery.id)).toEqual([`?${id}`, `?${id}`]);
        expect(counted.prepared).toEqual([['ann', 'bob']]);
        expect(await client.receiptOf(id)).toEqual({ of: 2, delivered: 0, isComplete: false });
        const enough = client.waitDelivered(id, { atLeast: 1 });
        counted.confirm('ann');
        expect(await settled(enough)).toEqual({ of: 2, delivered: 1, isComplete: true });
        expect(await client.receiptOf(id)).toEqual({ of: 2, delivered: 1, isComplete: false });
        const all = client.waitDelivered(id);
        counted.confirm('bob');
        expect(await settled(all)).toEqual({ of: 2, delivered: 2, isComplete: true });
      });

      it('say how many have it by the end of the time, when those are not enough', async () => {
        await client.toUsers(['ann', 'bob'], news, { receipt });
        counted.confirm('bob');
        expect(await settled(client.waitDelivered(id, { timeoutMs: 250 }))).toEqual({
          ...{ of: 2, delivered: 1, isComplete: false },
        });
      });

      it('are one for a push to one user, a repetition, and one that completes what failed', async () => {
        sequencer.failOnce(new ImError('STORE_FULL', { retryable: false }), { group: 'u:ann' });
        expect((await client.toUsers(['ann', 'bob'], news, { receipt })).failed.size).toBe(1);
        expect(await client.receiptOf(id)).toMatchObject({ of: 1 });
        expect(await client.toUser('bob', news, { receipt })).toMatchObject({ duplicate: true });
        expect(await client.receiptOf(id)).toMatchObject({ of: 1 });
        expect((await client.toUsers(['ann', 'bob'], news, { receipt })).failed.size).toBe(0);
        expect(await client.receiptOf(id)).toMatchObject({ of: 2 });
        await arrived(2);
      });

      it('belong to a product', async () => {
        const own = await openFor('p1');
        await own.toUser('ann', news, { receipt });
        counted.confirm('p1/ann');
        expect(await own.receiptOf(id)).toEqual({ of: 1, delivered: 1, isComplete: true });
        expect(await client.receiptOf(id, { product: 'p1' })).toMatchObject({ delivered: 1 });
        await expect(client.receiptOf(id)).rejects.toMatchObject({ name: 'RECEIPT_UNKNOWN', retryable: false });
        await expect(own.receiptOf(id, { product: 'p2' })).rejects.toMatchObject({ details: { field: 'product' } });
        await own.close();
      });

      it('fail a push that cannot be counted before anything is published', async () => {
        counted.failOnce(new ImError('TOO_MANY_RECORDS'));
        await expect(client.toUser('ann', news, { receipt })).rejects.toMatchObject({ name: 'TOO_MANY_RECORDS' });
        await client.toUser('ann', hello);
        await arrived(1);
      });

      it.each<[string, Partial<PushMessage>, Record<string, unknown>, string]>([
        ['on the normal lane', { lane: 'normal' }, {}, 'receipt'],
        ['without an id', { id: undefined }, {}, 'id'],
        ['under an id that has no room for the mark', { id: 'x'.repeat(64) }, {}, 'id'],
        ['that is not acknowledged', {}, { acknowledge: 'none' }, 'acknowledge'],
        ['neither with nor without', {}, { receipt: 'yes' }, 'receipt'],
      ])('are refused for a push %s', async (_, message, options, field) => {
        const push = client.toUser('ann', { ...news, ...message }, { receipt, ...options });
        await expect(push).rejects.toMatchObject({ name: 'INVALID_ARGUMENT', details: { field } });
      });

      it('are for users alone, and for those who know what they wait for', async () => {
        const refusal = (field: string) => ({ name: 'INVALID_ARGUMENT', details: { field } });
        await expect(client.toRoom('1', news, { receipt })).rejects.toMatchObject(refusal('receipt'));
        await expect(client.toAll(news, { receipt })).rejects.toMatchObject(refusal('receipt'));
        expect(await client.toGroup('u:ann', news, { receipt })).toMatchObject({ group: 'u:ann' });
        await expect(client.receiptOf('')).rejects.toMatchObject(refusal('id'));
        await expect(client.waitDelivered(id, { atLeast: 0 })).rejects.toMatchObject(refusal('atLeast'));
        await expect(client.waitDelivered(id, { timeoutMs: 0 })).rejects.toMatchObject(refusal('timeoutMs'));
        await expect(client.waitDelivered('other')).rejects.toMatchObject({ name: 'RECEIPT_UNKNOWN' });
      });

      it('are waited for no more once the client is closed, or whoever waits has enough of it', async () => {
        await client.toUser('ann', news, { receipt });
        const controller = new AbortController();
        const ended = expect(client.waitDelivered(id, { signal: controller.signal })).rejects.toMatchObject({
          name: 'CANCELLED',
        });
        controller.abort();
        await ended;
        const waiting = expect(client.waitDelivered(id)).rejects.toMatchObject({ name: 'CLOSED' });
        await client.close();
        await waiting;
        await expect(client.receiptOf(id)).rejects.toMatchObject({ name: 'CLOSED' });
      });
    });

    it('refuses pushes after it was closed, and closes twice as once', async () => {
      await client.close();
      await client.close();
      await expect(client.toRoom('1', hello)).rejects.toMatchObject({ name: 'CLOSED' });
      await expect(client.toUsers(['ann'], hello)).rejects.toMatchObject({ name: 'CLOSED' });
    });
  });
}

function nested(depth: number): unknown {
  let value: unknown = 0;
  for (let level = 0; level < depth; level++) value = [value];
  return value;
}
