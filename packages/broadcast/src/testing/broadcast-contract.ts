/**
 * What every broadcast engine promises, as a vitest suite that each of them runs. Needs vitest where it is imported.
 * Names of tests are the contract; times run on a fake clock, network engines need only be given one.
 */
import { ImError, MAX_BODY_BYTES, type Publication } from '@im/protocol';
import { FakeClock } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Broadcast } from '../broadcast.js';
import { FakeSequencer } from './fake-sequencer.js';
import { subscribeRecording } from './recording-subscriber.js';

export interface BroadcastSetup {
  readonly sequencer: FakeSequencer;
  /** Of the broadcast node. */
  readonly clock: FakeClock;
}

const text = new TextEncoder();

function normal(body: string, rest: Partial<Publication> = {}): Publication {
  return { lane: 'normal', event: 'chat', body: text.encode(body), time: 1_790_000_000_000, ...rest };
}

function priority(body: string, rest: Partial<Publication> = {}): Publication {
  return { lane: 'priority', event: 'gift', body: text.encode(body), time: 1_790_000_000_000, ...rest };
}

/**
 * @param name of the engine
 * @param open makes a fresh one, which the suite closes
 */
export function describeBroadcastContract(name: string, open: (setup: BroadcastSetup) => Promise<Broadcast>): void {
  describe(`broadcast contract: ${name}`, () => {
    let sequencer: FakeSequencer;
    let clock: FakeClock;
    let broadcast: Broadcast;

    beforeEach(async () => {
      sequencer = new FakeSequencer();
      clock = new FakeClock();
      broadcast = await open({ sequencer, clock });
    });

    afterEach(async () => {
      sequencer.release();
      await broadcast.close();
      expect(clock.pendingTimers, 'timers left after close').toBe(0);
    });

    /** Until everything published before has arrived: a normal message to a group of its own follows it. */
    async function quiet(): Promise<void> {
      const probe = await subscribeRecording(broadcast, 'r:contract-probe');
      const publisher = broadcast.createPublisher();
      for (const sent of [1, 2]) {
        await publisher.publish('r:contract-probe', normal('probe'));
        await vi.waitFor(() => expect(probe.deliveries).toHaveLength(sent), { interval: 1 });
      }
      await probe.close();
      await publisher.close();
    }

    describe('delivering', () => {
      it('hands a normal message to the subscribers of its group as it was published, without a version', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const published = await broadcast.createPublisher().publish('r:1', normal('"hi"', { id: 'm1' }));
        await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(1));
        expect(published).toEqual({ group: 'r:1' });
        expect({ ...subscriber.deliveries[0], body: subscriber.texts() }).toEqual({
          group: 'r:1',
          lane: 'normal',
          event: 'chat',
          id: 'm1',
          time: 1_790_000_000_000,
          body: ['"hi"'],
        });
      });

      it('hands a priority message out with the epoch and version that the publisher is told', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const published = await broadcast.createPublisher().publish('r:1', priority('"rocket"'));
        await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(1));
        expect(published).toEqual({ group: 'r:1', epoch: 'e1', version: 1 });
        expect(subscriber.deliveries[0]).toMatchObject({ lane: 'priority', epoch: 'e1', version: 1 });
        expect(subscriber.texts()).toEqual(['"rocket"']);
      });

      it('never calls a subscriber from within a call of a publisher', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        const published = [publisher.publish('r:1', normal('1')), publisher.publish('r:1', priority('2'))];
        expect(subscriber.deliveries).toEqual([]);
        await Promise.all(published);
        await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(2));
      });

      it('reaches every subscriber of a group, once each, and nobody else', async () => {
        const [first, second, other] = [
          await subscribeRecording(broadcast, 'r:1', 'r:2'),
          await subscribeRecording(broadcast, 'r:1'),
          await subscribeRecording(broadcast, 'r:11', 'p1/r:1', 'u:1'),
        ];
        const publisher = broadcast.createPublisher();
        await publisher.publish('r:1', normal('1'));
        await publisher.publish('r:1', priority('2'));
        await quiet();
        expect(first.texts().sort()).toEqual(['1', '2']);
        expect(second.texts().sort()).toEqual(['1', '2']);
        expect(other.deliveries).toEqual([]);
      });

      it('answers publishers of groups that nobody subscribed', async () => {
        const publisher = broadcast.createPublisher();
        expect(await publisher.publish('r:1', normal('1'))).toEqual({ group: 'r:1' });
        expect(await publisher.publish('r:1', priority('2'))).toEqual({ group: 'r:1', epoch: 'e1', version: 1 });
      });

      it('answers at once when no acknowledgement is asked for, and delivers all the same', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        expect(await publisher.publish('r:1', normal('1'), { acknowledge: 'none' })).toEqual({ group: 'r:1' });
        expect(await publisher.publish('r:1', priority('2'), { acknowledge: 'none' })).toEqual({ group: 'r:1' });
        await vi.waitFor(() => expect(subscriber.texts().sort()).toEqual(['1', '2']));
      });

      it('acknowledges a durable publish only when the log has it', async () => {
        sequencer.hold();
        let settled = false;
        const published = broadcast
          .createPublisher()
          .publish('r:1', priority('1'), { acknowledge: 'durable' })
          .finally(() => {
            settled = true;
          });
        await vi.waitFor(() => expect(sequencer.held).toBe(1));
        await quiet();
        expect(settled).toBe(false);
        sequencer.release();
        expect(await published).toEqual({ group: 'r:1', epoch: 'e1', version: 1 });
      });

      it.each([
        ['nothing', 0],
        ['one byte', 1],
        ['the largest body allowed', MAX_BODY_BYTES],
      ])('carries %s unchanged on both lanes', async (_, length) => {
        const body = Uint8Array.from({ length }, (__, index) => index % 256);
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        await publisher.publish('r:1', { ...normal(''), body });
        await publisher.publish('r:1', { ...priority(''), body });
        await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(2));
        for (const delivery of subscriber.deliveries) expect(Buffer.compare(delivery.body, body)).toBe(0);
      });
    });

    it('accounts for every normal message of a burst: delivered in order, refused, or told as lost', async () => {
      const subscriber = await subscribeRecording(broadcast, 'r:1');
      const publisher = broadcast.createPublisher();
      const count = 30_000;
      const published = Array.from({ length: count }, (_, index) => publisher.publish('r:1', normal(`${index}`)));
      const refused = (await Promise.allSettled(published)).filter(({ status }) => status === 'rejected').length;
      await vi.waitFor(
        () => {
          const told = subscriber.losses.reduce((sum, loss) => sum + (loss.count ?? count), refused);
          expect(subscriber.deliveries.length + told).toBeGreaterThanOrEqual(count);
        },
        { timeout: 10_000 },
      );
      await quiet();
      expect(subscriber.deliveries.length).toBeLessThanOrEqual(count);
      const known = subscriber.losses.every((loss) => loss.count !== undefined);
      const told = subscriber.losses.reduce((sum, loss) => sum + (loss.count ?? 0), refused);
      if (known) expect(subscriber.deliveries.length + told).toBe(count);
      const order = subscriber.texts().map(Number);
      expect(order).toEqual([...order].sort((a, b) => a - b));
      expect(new Set(order).size).toBe(order.length);
    }, 20_000);

    describe('order', () => {
      it("keeps each publisher's order within a group and lane", async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1', 'r:2');
        const publishers = [broadcast.createPublisher(), broadcast.createPublisher()];
        const count = 200;
        await Promise.all(
          Array.from({ length: count }, (_, index) =>
            publishers.flatMap((publisher, who) =>
              ['r:1', 'r:2'].flatMap((group) => [
                publisher.publish(group, normal(`${who} ${index}`)),
                publisher.publish(group, priority(`${who} ${index}`)),
              ]),
            ),
          ).flat(),
        );
        await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(count * 8));
        for (const group of ['r:1', 'r:2']) {
          expect(subscriber.versions(group)).toEqual(Array.from({ length: count * 2 }, (_, index) => index + 1));
          for (const lane of ['normal', 'priority'] as const) {
            for (const who of [0, 1]) {
              expect(subscriber.texts(group, lane).filter((body) => body.startsWith(`${who} `))).toEqual(
                Array.from({ length: count }, (_, index) => `${who} ${index}`),
              );
            }
          }
        }
      });

      it('delivers in the order of versions even when appends settle in another', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        sequencer.hold();
        const publisher = broadcast.createPublisher();
        const published = ['a', 'b', 'c'].map((body) => publisher.publish('r:1', priority(body)));
        await vi.waitFor(() => expect(sequencer.held).toBe(3));
        sequencer.release(2);
        sequencer.release(1);
        await quiet();
        expect(subscriber.deliveries).toEqual([]);
        sequencer.release();
        await Promise.all(published);
        await vi.waitFor(() => expect(subscriber.texts()).toEqual(['a', 'b', 'c']));
        expect(subscriber.versions('r:1')).toEqual([1, 2, 3]);
      });

      it('lets other groups pass while one waits for its log', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1', 'r:2');
        sequencer.hold();
        const publisher = broadcast.createPublisher();
        const slow = publisher.publish('r:1', priority('slow'));
        const fast = publisher.publish('r:2', priority('fast'));
        await vi.waitFor(() => expect(sequencer.held).toBe(2));
        sequencer.release(1);
        await fast;
        await publisher.publish('r:1', normal('normal'));
        await vi.waitFor(() => expect(subscriber.texts()).toEqual(['fast', 'normal']));
        sequencer.release();
        await slow;
        await vi.waitFor(() => expect(subscriber.texts()).toEqual(['fast', 'normal', 'slow']));
      });
    });

    describe('message ids', () => {
      it('answers a known id with the first version and does not deliver it again', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        await publisher.publish('r:1', priority('1', { id: 'm1' }));
        await publisher.publish('r:1', priority('2', { id: 'm2' }));
        const again = await publisher.publish('r:1', priority('1', { id: 'm1' }));
        expect(again).toEqual({ group: 'r:1', epoch: 'e1', version: 1, duplicate: true });
        await quiet();
        expect(subscriber.texts()).toEqual(['1', '2']);
      });

      it('delivers normal messages of the same id each time', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        await publisher.publish('r:1', normal('1', { id: 'm1' }));
        await publisher.publish('r:1', normal('2', { id: 'm1' }));
        await vi.waitFor(() => expect(subscriber.texts()).toEqual(['1', '2']));
      });
    });

    describe('subscriptions', () => {
      it('delivers once to a subscriber that subscribed twice', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1', 'r:1');
        await broadcast.createPublisher().publish('r:1', normal('1'));
        await quiet();
        expect(subscriber.texts()).toEqual(['1']);
      });

      it('delivers nothing of a group after unsubscribe, and goes on with the others', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1', 'r:2');
        const publisher = broadcast.createPublisher();
        subscriber.unsubscribe('r:1');
        subscriber.unsubscribe('r:never-subscribed');
        await subscriber.settled();
        await publisher.publish('r:1', normal('1'));
        await publisher.publish('r:1', priority('2'));
        await publisher.publish('r:2', normal('3'));
        await quiet();
        expect(subscriber.texts()).toEqual(['3']);
      });

      it('delivers again after subscribing again', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        subscriber.unsubscribe('r:1');
        subscriber.subscribe('r:1');
        await subscriber.settled();
        await broadcast.createPublisher().publish('r:1', normal('1'));
        await vi.waitFor(() => expect(subscriber.texts()).toEqual(['1']));
      });

      it('keeps two subscribers with the same handlers apart', async () => {
        const texts: string[] = [];
        const handlers = {
          onDelivery: ({ body }: { body: Uint8Array }) => void texts.push(new TextDecoder().decode(body)),
        };
        const [first, second] = [broadcast.createSubscriber(handlers), broadcast.createSubscriber(handlers)];
        for (const subscriber of [first, second]) {
          subscriber.subscribe('r:1');
          await subscriber.settled();
        }
        await first.close();
        await broadcast.createPublisher().publish('r:1', normal('1'));
        await vi.waitFor(() => expect(texts).toEqual(['1']));
      });

      it('refuses what is not a group id', async () => {
        const subscriber = await subscribeRecording(broadcast);
        expect(() => subscriber.subscribe('r:')).toThrow(expect.objectContaining({ name: 'GROUP_INVALID' }));
      });

      it('keeps a failing subscriber from hurting the others', async () => {
        const failing = broadcast.createSubscriber({
          onDelivery: () => {
            throw new Error('boom');
          },
        });
        failing.subscribe('r:1');
        await failing.settled();
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        for (const body of ['1', '2']) {
          await publisher.publish('r:1', normal(body));
          await publisher.publish('r:1', priority(body));
        }
        await vi.waitFor(() => {
          expect(subscriber.texts('r:1', 'normal')).toEqual(['1', '2']);
          expect(subscriber.texts('r:1', 'priority')).toEqual(['1', '2']);
        });
      });
    });

    describe('many groups at once', () => {
      it.each(['normal', 'priority'] as const)('delivers one body to all of them on the %s lane', async (lane) => {
        const groups = Array.from({ length: 50 }, (_, index) => `u:${index}`);
        const subscriber = await subscribeRecording(broadcast, ...groups);
        const publication = lane === 'normal' ? normal('x') : priority('x');
        const { published, failed } = await broadcast.createPublisher().publishMany([...groups, 'u:0'], publication);
        expect(failed.size).toBe(0);
        expect(published.map(({ group }) => group).sort()).toEqual([...groups].sort());
        await vi.waitFor(() =>
          expect(subscriber.deliveries.map(({ group }) => group).sort()).toEqual([...groups].sort()),
        );
        expect(new Set(subscriber.deliveries.map(({ version }) => version))).toEqual(
          new Set([lane === 'normal' ? undefined : 1]),
        );
      });

      it('tries all, tells which failed, and completes them when repeated with the same id', async () => {
        const subscriber = await subscribeRecording(broadcast, 'u:1', 'u:2', 'u:3');
        const publisher = broadcast.createPublisher();
        const publication = priority('x', { id: 'm1' });
        sequencer.failOnce(new ImError('STORE_UNAVAILABLE'), { group: 'u:2' });
        const first = await publisher.publishMany(['u:1', 'u:2', 'no group', 'u:3'], publication);
        expect(first.published).toEqual([
          { group: 'u:1', epoch: 'e1', version: 1 },
          { group: 'u:3', epoch: 'e1', version: 1 },
        ]);
        expect([...first.failed].map(([group, error]) => [group, error.name]).sort()).toEqual([
          ['no group', 'GROUP_INVALID'],
          ['u:2', 'STORE_UNAVAILABLE'],
        ]);
        const second = await publisher.publishMany(['u:1', 'u:2', 'u:3'], publication);
        expect(second.failed.size).toBe(0);
        expect(second.published.filter(({ duplicate }) => duplicate).map(({ group }) => group)).toEqual(['u:1', 'u:3']);
        await quiet();
        expect(subscriber.deliveries.map(({ group }) => group).sort()).toEqual(['u:1', 'u:2', 'u:3']);
      });

      it('keeps the order with single messages of the same groups', async () => {
        const subscriber = await subscribeRecording(broadcast, 'u:1', 'u:2');
        const publisher = broadcast.createPublisher();
        sequencer.hold();
        const published = [
          publisher.publish('u:1', priority('1')),
          publisher.publishMany(['u:1', 'u:2'], priority('2')),
          publisher.publish('u:1', priority('3')),
        ];
        await vi.waitFor(() => expect(sequencer.held).toBe(3));
        sequencer.release(2);
        sequencer.release(0);
        sequencer.release();
        await Promise.all(published);
        await vi.waitFor(() => expect(subscriber.texts('u:1')).toEqual(['1', '2', '3']));
        expect(subscriber.texts('u:2')).toEqual(['2']);
      });
    });

    describe('failures', () => {
      it('tells the publisher why the log did not take a message, and delivers nothing of it', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        sequencer.failOnce(new ImError('STORE_UNAVAILABLE'));
        await expect(publisher.publish('r:1', priority('1'))).rejects.toMatchObject({
          name: 'STORE_UNAVAILABLE',
          retryable: true,
        });
        await publisher.publish('r:1', priority('2'));
        await vi.waitFor(() => expect(subscriber.texts()).toEqual(['2']));
        expect(subscriber.versions('r:1')).toEqual([1]);
      });

      it('tells the head of a message that was versioned without having gone out, once its publisher repeats it', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        sequencer.failOnce(new ImError('STORE_UNAVAILABLE'), { afterAppending: true });
        await expect(publisher.publish('r:1', priority('1', { id: 'm1' }))).rejects.toThrow();
        expect(await publisher.publish('r:1', priority('1', { id: 'm1' }))).toMatchObject({
          version: 1,
          duplicate: true,
        });
        await quiet();
        clock.advance(300);
        await vi.waitFor(() =>
          expect(subscriber.heads[0]).toEqual({ group: 'r:1', position: { epoch: 'e1', version: 1 } }),
        );
        expect(subscriber.deliveries).toEqual([]);
      });

      it.each([
        ['GROUP_INVALID', 'r:', normal('1')],
        ['INVALID_ARGUMENT', 'r:1', normal('1', { event: 'no event' })],
        ['INVALID_ARGUMENT', 'r:1', priority('1', { event: '' })],
        ['INVALID_ARGUMENT', 'r:1', normal('1', { id: '' })],
        ['INVALID_ARGUMENT', 'r:1', normal('1', { id: 'x'.repeat(65) })],
        ['INVALID_ARGUMENT', 'r:1', normal('1', { id: '\ud800' })],
        ['INVALID_ARGUMENT', 'r:1', normal('1', { time: Number.NaN })],
        ['BODY_TOO_LARGE', 'r:1', { ...normal(''), body: new Uint8Array(MAX_BODY_BYTES + 1) }],
        ['BODY_TOO_LARGE', 'r:1', { ...priority(''), body: new Uint8Array(MAX_BODY_BYTES + 1) }],
      ])('[PR-81] answers %s to group %j with such a publication (%#)', async (name, group, publication) => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        await expect(publisher.publish(group, publication)).rejects.toMatchObject({ name });
        await quiet();
        expect(subscriber.deliveries).toEqual([]);
        expect(sequencer.calls).toEqual([]);
      });
    });

    describe('heads of active groups', () => {
      it('are told 200 ms after the last message, then each second for some seconds', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        await publisher.publish('r:1', priority('1'));
        clock.advance(150);
        await publisher.publish('r:1', priority('2'));
        clock.advance(190);
        await quiet();
        expect(subscriber.heads).toEqual([]);
        clock.advance(30);
        const head = { group: 'r:1', position: { epoch: 'e1', version: 2 } };
        await vi.waitFor(() => expect(subscriber.heads).toEqual([head]));
        clock.advance(1_050);
        await vi.waitFor(() => expect(subscriber.heads).toEqual([head, head]));
        clock.advance(60_000);
        await quiet();
        const told = subscriber.heads.length;
        expect(told).toBeGreaterThan(3);
        clock.advance(60_000);
        await quiet();
        expect(subscriber.heads.length).toBe(told);
      });

      it('name the new epoch once the log began anew', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        await publisher.publish('r:1', priority('1'));
        await publisher.publish('r:1', priority('2'));
        sequencer.restart('e2');
        await publisher.publish('r:1', priority('3'));
        clock.advance(300);
        await vi.waitFor(() => expect(subscriber.heads[0]?.position).toEqual({ epoch: 'e2', version: 1 }));
        expect(subscriber.deliveries.map(({ epoch, version }) => [epoch, version])).toEqual([
          ['e1', 1],
          ['e1', 2],
          ['e2', 1],
        ]);
      });
    });

    describe('closing', () => {
      it('answers what was published before, and refuses what comes after', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        sequencer.hold();
        const published = publisher.publish('r:1', priority('1'));
        await vi.waitFor(() => expect(sequencer.held).toBe(1));
        const closed = publisher.close();
        await expect(publisher.publish('r:1', normal('2'))).rejects.toMatchObject({ name: 'CLOSED' });
        await expect(publisher.publishMany(['r:1'], normal('2'))).rejects.toMatchObject({ name: 'CLOSED' });
        sequencer.release();
        expect(await published).toMatchObject({ version: 1 });
        await closed;
        await vi.waitFor(() => expect(subscriber.texts()).toEqual(['1']));
      });

      it('calls no handler of a closed subscriber', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        const published = [publisher.publish('r:1', normal('1')), publisher.publish('r:1', priority('2'))];
        await subscriber.close();
        const deliveries = subscriber.deliveries.length;
        await Promise.all(published);
        await quiet();
        clock.advance(5_000);
        expect(subscriber.deliveries.length).toBe(deliveries);
        expect(subscriber.heads).toEqual([]);
        expect(() => subscriber.subscribe('r:2')).toThrow(expect.objectContaining({ name: 'CLOSED' }));
        subscriber.unsubscribe('r:1');
      });

      it('of the engine closes what it created', async () => {
        const subscriber = await subscribeRecording(broadcast, 'r:1');
        const publisher = broadcast.createPublisher();
        await publisher.publish('r:1', priority('1'));
        await broadcast.close();
        await broadcast.close();
        await expect(publisher.publish('r:1', normal('2'))).rejects.toMatchObject({ name: 'CLOSED' });
        expect(() => subscriber.subscribe('r:2')).toThrow(expect.objectContaining({ name: 'CLOSED' }));
        expect(() => broadcast.createPublisher()).toThrow(expect.objectContaining({ name: 'CLOSED' }));
        expect(() => broadcast.createSubscriber({ onDelivery: () => {} })).toThrow(
          expect.objectContaining({ name: 'CLOSED' }),
        );
      });
    });
  });
}
