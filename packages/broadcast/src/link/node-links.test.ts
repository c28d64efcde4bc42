import type { Delivery } from '@im/protocol';
import { seededRandom } from '@im/protocol/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normal, priority } from '../testing/contract/setting.js';
import { FakeSequencer } from '../testing/fake-sequencer.js';
import { SimulatedNetwork } from './simulated-network.fixture.js';

const GROUPS = ['r:1', 'r:2', 'r:3', 'r:4'];

/** One gateway: what came, and what it was told that it has missed. */
class Receiver {
  readonly deliveries: Delivery[] = [];
  readonly losses = new Map<string, number>();
  /** Groups of which an unknown number was lost. */
  readonly unknown = new Set<string>();
  restored = 0;

  readonly handlers = {
    onDelivery: (delivery: Delivery) => void this.deliveries.push(delivery),
    onLoss: (group: string, count: number | undefined) => {
      if (count === undefined) this.unknown.add(group);
      else this.losses.set(group, (this.losses.get(group) ?? 0) + count);
    },
    onRestored: () => void this.restored++,
  };

  texts(group: string, lane: Delivery['lane']): string[] {
    return this.deliveries
      .filter((delivery) => delivery.group === group && delivery.lane === lane)
      .map(({ body }) => new TextDecoder().decode(body));
  }
}

async function setUp(seed: number, ids: readonly string[]) {
  const network = new SimulatedNetwork(seededRandom(seed), ids);
  const sequencer = new FakeSequencer();
  for (const id of ids) network.startNode(id, sequencer);
  const receiver = new Receiver();
  const subscriber = network.createBroadcast().createSubscriber(receiver.handlers);
  for (const group of GROUPS) subscriber.subscribe(group);
  const publisher = network.createBroadcast().createPublisher();
  let isSettled = false;
  void subscriber.settled().then(() => {
    isSettled = true;
  });
  await network.quiet();
  expect(isSettled).toBe(true);
  return { network, sequencer, receiver, subscriber, publisher };
}

describe('NodeLinks', () => {
  it('publishes to more groups than a record or its memory of routes has room for, to each once', async () => {
    const { network, receiver, publisher } = await setUp(1, ['n1', 'n2']);
    const others = Array.from({ length: 70_000 }, (_, number) => `u:${number}`);
    const groups = [...GROUPS, ...others, 'no group', ...GROUPS];
    const many = publisher.publishMany(groups, normal('all'), { acknowledge: 'none' });
    await network.quiet();
    const { published, failed } = await many;
    expect([published.length, [...failed.keys()]]).toEqual([GROUPS.length + others.length, ['no group']]);
    expect(receiver.deliveries.map(({ group }) => group).sort()).toEqual(GROUPS);
    await network.close();
  });

  it('delivers everything once and in order while nothing goes wrong, whatever overtakes what', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { network, receiver, publisher } = await setUp(seed, ['n1', 'n2']);
        const sent = Array.from({ length: 40 }, (_, number) => String(number));
        for (const text of sent) {
          for (const group of GROUPS) {
            void publisher.publish(group, normal(text));
            void publisher.publish(group, priority(text));
          }
          network.step();
        }
        await network.quiet();
        for (const group of GROUPS) {
          expect(receiver.texts(group, 'normal')).toEqual(sent);
          expect(receiver.texts(group, 'priority')).toEqual(sent);
        }
        expect([receiver.losses.size, receiver.unknown.size]).toEqual([0, 0]);
        await network.close();
      }),
      { numRuns: 15 },
    );
  });

  it('tells exactly how many normal messages were lost when packs are lost, the last ones included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { network, receiver, publisher } = await setUp(seed, ['n1']);
        network.lossPerMille = 300;
        for (let number = 0; number < 60; number++) {
          for (const group of GROUPS) void publisher.publish(group, normal(String(number)), { acknowledge: 'none' });
          await network.quiet();
        }
        network.lossPerMille = 0;
        // The node says that it lives: the number of that pack shows what is missing.
        for (let second = 0; second < 4; second++) {
          network.clock.advance(1_000);
          await network.quiet();
        }
        for (const group of GROUPS) {
          const delivered = receiver.texts(group, 'normal').length;
          expect(delivered + (receiver.losses.get(group) ?? 0), group).toBe(60);
        }
        expect(receiver.unknown.size).toBe(0);
        await network.close();
      }),
      { numRuns: 10 },
    );
  });

  it('gives every identified priority message its outcome when connections are cut and nodes are killed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { network, sequencer, receiver, publisher } = await setUp(seed, ['n1', 'n2']);
        const random = seededRandom(seed + 1);
        const outcomes: Promise<unknown>[] = [];
        for (let number = 0; number < 60; number++) {
          for (const group of GROUPS) {
            outcomes.push(publisher.publish(group, priority(String(number), { id: `${group}-${number}` })));
          }
          for (let steps = 0; steps < 8; steps++) network.step();
          if (random() < 0.05) network.cut('n1');
          if (number === 30) network.killNode('n2');
          if (number === 45) network.startNode('n2', sequencer);
          if (number % 5 === 0) await network.quiet();
        }
        // What a dead node had is repeated once its silence shows.
        for (let second = 0; second < 12; second++) {
          network.clock.advance(1_000);
          await network.quiet();
        }
        const published = (await Promise.all(outcomes)) as { group: string; version: number }[];
        for (const group of GROUPS) {
          const versions = published.filter((one) => one.group === group).map(({ version }) => version);
          expect(new Set(versions).size, 'no version twice').toBe(60);
          const delivered = receiver.deliveries.filter((delivery) => delivery.group === group);
          expect(new Set(delivered.map(({ version }) => version)).size, 'no delivery twice').toBe(delivered.length);
          // Holes are seen by version and pulled; here it is enough that the bus has said that something may be missing.
          if (delivered.length < 60) expect(receiver.restored).toBeGreaterThan(0);
        }
        await network.close();
      }),
      { numRuns: 10 },
    );
  });

  it('says that what a killed node had of the normal lane is unknown, and asks for comparison when it is back', async () => {
    const { network, sequencer, receiver, publisher } = await setUp(1, ['n1']);
    void publisher.publish('r:1', normal('1'));
    await network.quiet();
    const before = receiver.restored;
    network.killNode('n1');
    for (let second = 0; second < 5; second++) network.clock.advance(1_000);
    // The first message of the others may have been lost with it as well.
    expect([...receiver.unknown].sort()).toEqual(GROUPS);
    await expect(publisher.publish('r:1', normal('2'))).rejects.toMatchObject({ name: 'UNAVAILABLE' });
    network.startNode('n1', sequencer);
    await network.quiet();
    expect(receiver.restored).toBeGreaterThan(before);
    void publisher.publish('r:1', normal('3'));
    await network.quiet();
    expect(receiver.texts('r:1', 'normal')).toEqual(['1', '3']);
    await network.close();
  });

  it('says nothing of groups that belonged to another node than the killed one', async () => {
    const { network, receiver, publisher } = await setUp(3, ['n1', 'n2']);
    network.killNode('n1');
    for (let second = 0; second < 5; second++) {
      network.clock.advance(1_000);
      await network.quiet();
    }
    const told = [...receiver.unknown];
    expect(told).toEqual(['r:1']);
    for (const group of GROUPS) void publisher.publish(group, normal('goes on'));
    await network.quiet();
    expect(receiver.deliveries).toHaveLength(GROUPS.length);
    expect([...receiver.unknown]).toEqual(told);
    await network.close();
  });

  it.each(Array.from({ length: 12 }, (_, index) => index))(
    'does not bring what waited for a killed node behind what went to another meanwhile, seed %i',
    async (seed) => {
      const { network, sequencer, receiver, publisher } = await setUp(seed, ['n1', 'n2']);
      const sendToAll = async (text: string): Promise<void> => {
        for (const group of GROUPS) void publisher.publish(group, normal(text), { acknowledge: 'none' });
        await network.quiet();
      };
      await sendToAll('1');
      network.killNode('n1');
      await sendToAll('2');
      for (let second = 0; second < 5; second++) {
        network.clock.advance(1_000);
        await network.quiet();
      }
      await sendToAll('3');
      network.startNode('n1', sequencer);
      await network.quiet();
      await sendToAll('4');
      const orphans = GROUPS.filter((group) => receiver.unknown.has(group));
      expect(orphans.length).toBeGreaterThan(0);
      for (const group of GROUPS) {
        const expected = orphans.includes(group) ? ['1', '3', '4'] : ['1', '2', '3', '4'];
        expect(receiver.texts(group, 'normal')).toEqual(expected);
      }
      await network.close();
    },
  );

  it('does not bring a priority message to a node that comes back, once it went to another', async () => {
    const { network, receiver, publisher } = await setUp(1, ['n1', 'n2']);
    network.killNode('n1');
    const answers = GROUPS.map((group) => publisher.publish(group, priority('1', { id: `${group} 1` })));
    await network.quiet();
    for (let second = 0; second < 5; second++) {
      network.clock.advance(1_000);
      await network.quiet();
    }
    await Promise.all(answers);
    // It knows none of the ids any more, as a store that has forgotten them.
    network.startNode('n1', new FakeSequencer());
    await network.quiet();
    for (const group of GROUPS) expect(receiver.texts(group, 'priority')).toEqual(['1']);
    await network.close();
  });

  it.each(Array.from({ length: 12 }, (_, index) => index))(
    'lets no normal message overtake another while a node is killed and begins anew at once, seed %i',
    async (seed) => {
      const { network, sequencer, receiver, publisher } = await setUp(seed, ['n1', 'n2']);
      let sent = 0;
      const sendToAll = (): void => {
        sent += 1;
        for (const group of GROUPS) {
          void publisher.publish(group, normal(String(sent)), { acknowledge: 'none' }).catch(() => {});
        }
      };
      sendToAll();
      await network.quiet();
      network.killNode('n1');
      sendToAll();
      await network.quiet();
      network.startNode('n1', sequencer);
      for (let turn = 0; turn < 60; turn++) {
        for (let step = 0; step < 4; step++) network.step();
        await new Promise<void>((resolve) => setImmediate(resolve));
        sendToAll();
      }
      await network.quiet();
      for (const group of GROUPS) {
        const numbers = receiver.texts(group, 'normal').map(Number);
        expect(numbers).toEqual([...numbers].sort((one, other) => one - other));
        expect(numbers.at(-1)).toBe(sent);
        if (numbers.length < sent) expect([...receiver.unknown, ...receiver.losses.keys()]).toContain(group);
      }
      await network.close();
    },
  );

  it('fails a priority message without an id that a killed node may have had, for it cannot be repeated', async () => {
    const { network, publisher } = await setUp(2, ['n1']);
    const published = publisher.publish('r:1', priority('1'));
    network.killNode('n1');
    for (let second = 0; second < 5; second++) network.clock.advance(1_000);
    await expect(published).rejects.toMatchObject({ name: 'DISCONNECTED' });
    await network.close();
  });

  it('keeps a group subscribed for a while after its last member has gone', async () => {
    const { network, receiver, subscriber, publisher } = await setUp(3, ['n1']);
    subscriber.unsubscribe('r:1');
    await network.quiet();
    void publisher.publish('r:1', normal('unwanted'));
    await network.quiet();
    subscriber.subscribe('r:1');
    void publisher.publish('r:1', normal('wanted'));
    await network.quiet();
    expect(receiver.texts('r:1', 'normal')).toEqual(['wanted']);
    expect([receiver.losses.size, receiver.unknown.size]).toEqual([0, 0]);
    await network.close();
  });

  it('loses nothing at all when a node drains before it is taken from the list', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        const { network, receiver, publisher } = await setUp(seed, ['n1', 'n2']);
        const sent = Array.from({ length: 30 }, (_, number) => String(number));
        const answers: Promise<unknown>[] = [];
        for (const [number, text] of sent.entries()) {
          if (number === 10) network.drain('n1');
          if (number === 20) {
            await network.quiet();
            network.unlist('n1');
          }
          for (const group of GROUPS) {
            answers.push(publisher.publish(group, normal(text)), publisher.publish(group, priority(text)));
          }
          network.step();
        }
        await network.quiet();
        await Promise.all(answers);
        for (const group of GROUPS) {
          expect(receiver.texts(group, 'normal').sort()).toEqual([...sent].sort());
          expect(receiver.texts(group, 'priority').sort()).toEqual([...sent].sort());
        }
        expect(receiver.losses.size).toBe(0);
        await network.close();
      }),
      { numRuns: 50 },
    );
  });

  it('goes on with a node that drains while there is no other', async () => {
    const { network, publisher } = await setUp(1, ['n1']);
    network.drain('n1');
    const answer = publisher.publish('r:1', priority('a'));
    await network.quiet();
    await expect(answer).resolves.toMatchObject({ version: 1 });
    await network.close();
  });

  it('tells an unknown loss, and forgets, when a node that had sent something is taken from the list', async () => {
    const { network, receiver, publisher } = await setUp(4, ['n1', 'n2']);
    for (const group of GROUPS) void publisher.publish(group, normal('1'));
    await network.quiet();
    network.unlist('n2');
    await network.quiet();
    const before = receiver.deliveries.length;
    for (const group of GROUPS) void publisher.publish(group, normal('2'));
    await network.quiet();
    expect(receiver.deliveries.length - before).toBe(GROUPS.length);
    expect(receiver.unknown.size).toBeGreaterThan(0);
    expect(receiver.unknown.size).toBeLessThan(GROUPS.length);
    expect(receiver.losses.size).toBe(0);
    await network.close();
  });

  it('gives up a normal message whose answer was lost', async () => {
    const { network, publisher } = await setUp(5, ['n1']);
    network.lossPerMille = 1_000;
    const published = publisher.publish('r:1', normal('1'));
    published.catch(() => {});
    await network.quiet();
    network.lossPerMille = 0;
    for (let second = 0; second < 13; second++) {
      network.clock.advance(1_000);
      await network.quiet();
    }
    await expect(published).rejects.toMatchObject({ name: 'TIMEOUT' });
    await network.close();
  });

  it('sends before it closes what nobody waits for, and gives it up when no node takes it', async () => {
    const { network, receiver } = await setUp(6, ['n1']);
    const [leaving, stranded] = [network.createBroadcast(), network.createBroadcast()];
    await network.quiet();
    const none = { acknowledge: 'none' } as const;
    for (const text of ['1', '2', '3']) void leaving.createPublisher().publish('r:1', normal(text), none);
    const left = leaving.close();
    await network.quiet();
    await left;
    expect(receiver.texts('r:1', 'normal')).toEqual(['1', '2', '3']);
    network.killNode('n1');
    void stranded.createPublisher().publish('r:1', normal('4'), none);
    const given = stranded.close();
    await network.quiet();
    network.clock.advance(1_000);
    await given;
    await network.close();
  });
});
