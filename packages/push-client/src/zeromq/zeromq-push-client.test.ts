import { FakeSequencer, type RecordingSubscriber, subscribeRecording } from '@im/broadcast/testing';
import { createZeromqBroadcast, createZeromqNode, type NodeAddresses, type ZeromqNode } from '@im/broadcast/zeromq';
import { addressesOfBroadcastNode, BROADCAST_ROLE } from '@im/cluster';
import { createNodeManager, joinCluster, type ZeromqNodeManager } from '@im/cluster/zeromq';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createZeromqPushClient, type ZeromqPushClient, type ZeromqPushClientOptions } from './index.js';

const LOCAL = { heartbeats: 'tcp://127.0.0.1:*', topology: 'tcp://127.0.0.1:*' };
const WAIT = { timeout: 20_000, interval: 5 };
const hello = { event: 'hello', data: { text: 'hi' } };

let sequencer: FakeSequencer;
/** Ended in reverse. */
let closing: (() => Promise<void>)[];

beforeEach(() => {
  sequencer = new FakeSequencer();
  closing = [];
});

afterEach(async () => {
  for (const close of closing.reverse()) await close();
});

function closedLater<Closable extends { close(): Promise<void> }>(one: Closable): Closable {
  closing.push(() => one.close());
  return one;
}

const openNode = async (id: string): Promise<ZeromqNode> => closedLater(await createZeromqNode({ id, sequencer }));
const openClient = (options: ZeromqPushClientOptions): ZeromqPushClient => closedLater(createZeromqPushClient(options));

async function membersAt(nodes: readonly NodeAddresses[], ...groups: string[]): Promise<RecordingSubscriber> {
  const broadcast = closedLater(createZeromqBroadcast({ nodes }));
  await broadcast.ready(10_000);
  return subscribeRecording(broadcast, ...groups);
}

describe('a push client over ZeroMQ', () => {
  it('reaches users, rooms and everyone, with versions on the priority lane', async () => {
    const { addresses } = await openNode('node-1');
    const members = await membersAt([addresses], 'u:ann', 'u:bob', 'r:1', 'r:0', 'p1/u:ann');
    const client = openClient({ nodes: [addresses] });
    await client.ready(10_000);
    const gift = { event: 'gift', lane: 'priority', id: 'order-4711' } as const;
    expect(await client.toRoom('1', gift)).toMatchObject({ group: 'r:1', version: 1 });
    expect(await client.toRoom('1', gift)).toMatchObject({ version: 1, duplicate: true });
    const { published, failed } = await client.toUsers(['ann', 'bob'], { event: 'news', lane: 'priority' });
    expect([published.map(({ group, version }) => [group, version]), failed.size]).toEqual([
      [
        ['u:ann', 1],
        ['u:bob', 1],
      ],
      0,
    ]);
    await client.toAll(hello);
    await client.toUser('ann', hello, { product: 'p1' });
    await vi.waitFor(
      () =>
        expect(members.deliveries.map(({ group }) => group).sort()).toEqual([
          'p1/u:ann',
          'r:0',
          'r:1',
          'u:ann',
          'u:bob',
        ]),
      WAIT,
    );
  });

  it('refuses normal pushes while no node is in reach, and keeps priority ones until there is one, each once', async () => {
    const first = await createZeromqNode({ id: 'node-1', sequencer });
    const { addresses } = first;
    await first.close();
    const client = openClient({ nodes: [addresses], maxPending: 2 });
    await expect(client.toUser('ann', hello)).rejects.toMatchObject({ name: 'UNAVAILABLE', retryable: true });
    const gift = { event: 'gift', lane: 'priority' } as const;
    const pushes = [client.toUser('ann', gift), client.toUser('bob', gift, { acknowledge: 'durable' })];
    await expect(client.toUser('cid', gift, { acknowledge: 'none' })).rejects.toMatchObject({
      name: 'QUEUE_FULL',
      retryable: true,
    });
    closedLater(await createZeromqNode({ ...addresses, sequencer }));
    expect(await Promise.all(pushes)).toMatchObject([
      { group: 'u:ann', version: 1 },
      { group: 'u:bob', version: 1 },
    ]);
    expect(await client.toUser('cid', gift)).toMatchObject({ version: 1 });
  });

  it('sends what was taken before it is closed, also what nobody waits for', async () => {
    const { addresses } = await openNode('node-1');
    const members = await membersAt([addresses], 'r:1');
    const client = openClient({ nodes: [addresses] });
    await client.ready(10_000);
    const count = 2_000;
    for (let i = 0; i < count; i++) await client.toRoom('1', { event: 'tick', data: i }, { acknowledge: 'none' });
    await client.close();
    await vi.waitFor(() => expect(members.deliveries).toHaveLength(count), WAIT);
    await expect(client.toRoom('1', hello)).rejects.toMatchObject({ name: 'CLOSED' });
  });

  it('is not made for a product outside the grammar', () => {
    expect(() => createZeromqPushClient({ nodes: [], product: 'P1' })).toThrow(
      expect.objectContaining({ name: 'INVALID_ARGUMENT', details: { argument: 'product' } }),
    );
  });
});

describe('a push client that asks node managers', () => {
  let manager: ZeromqNodeManager;

  beforeEach(async () => {
    manager = closedLater(await createNodeManager({ id: 'manager-1', listen: LOCAL, holdMs: 0 }));
  });

  function announce({ addresses }: ZeromqNode): { close(): Promise<void> } {
    const node = {
      id: addresses.id,
      role: BROADCAST_ROLE,
      version: '1',
      addresses: addressesOfBroadcastNode(addresses),
    };
    return closedLater(joinCluster({ managers: [manager.address], node }));
  }

  it('reaches nodes that come while it runs, and goes on with those that stay', async () => {
    const client = openClient({ managers: [manager.address], maxPending: 1_000 });
    const first = await openNode('node-1');
    const membership = announce(first);
    await client.ready(20_000);
    const users = Array.from({ length: 64 }, (_, i) => `user-${i}`);
    const news = { event: 'news', lane: 'priority' } as const;
    expect((await client.toUsers(users, { ...news, id: 'news-1' })).published).toHaveLength(64);

    const second = await openNode('node-2');
    announce(second);
    const members = await membersAt([second.addresses], ...users.map((user) => `u:${user}`));
    // Some of the users belong to the new node, once the client knows it.
    await vi.waitFor(async () => {
      await client.toUsers(users, news);
      expect(members.deliveries.length).toBeGreaterThan(0);
    }, WAIT);

    await membership.close();
    await first.close();
    let round = 0;
    await vi.waitFor(async () => {
      const event = `round-${++round}`;
      const { published, failed } = await client.toUsers(users, { event, lane: 'priority' });
      expect([published.length, failed.size]).toEqual([64, 0]);
      const arrived = () => members.deliveries.filter((delivery) => delivery.event === event);
      await vi.waitFor(() => expect(arrived()).toHaveLength(64), { timeout: 500, interval: 5 });
    }, WAIT);
  });
});
