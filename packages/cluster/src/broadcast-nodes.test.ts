import { FakeSequencer } from '@im/broadcast/testing';
import { createZeromqBroadcast, createZeromqNode } from '@im/broadcast/zeromq';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { addressesOfBroadcastNode, BROADCAST_ROLE, broadcastNodes } from './broadcast-nodes.js';
import { nodeOf } from './nodes.fixture.js';
import { createNodeManager, joinCluster } from './zeromq/index.js';

const closing: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const addresses = {
  id: 'n1',
  publish: { normal: 'ipc:///a', priority: 'ipc:///b' },
  subscribe: { normal: 'ipc:///c', priority: 'ipc:///d' },
};

describe('broadcastNodes', () => {
  it('lists those that say where all of their sockets are', () => {
    const complete = addressesOfBroadcastNode(addresses);
    const { 'publish.normal': _, ...incomplete } = complete;
    const nodes = [
      nodeOf('g1', { addresses: complete }),
      nodeOf('n1', { role: BROADCAST_ROLE, addresses: complete }),
      nodeOf('n2', { role: BROADCAST_ROLE, addresses: incomplete }),
      nodeOf('n3', { role: BROADCAST_ROLE, addresses: complete, draining: true }),
    ];
    const source = { current: { epoch: 1, nodes }, subscribe: () => () => {} };
    expect(broadcastNodes(source).nodes).toEqual([addresses, { ...addresses, id: 'n3', draining: true }]);
  });

  it('has publishers and subscribers find a node that comes while they run, and keep it when the manager is gone', async () => {
    const intervalMs = 100;
    const listen = { heartbeats: 'tcp://127.0.0.1:*', topology: 'tcp://127.0.0.1:*' };
    const manager = await createNodeManager({ id: 'm1', listen, intervalMs });
    closing.push(async () => manager.close());
    const managers = [manager.address];
    const member = joinCluster({ managers, intervalMs });
    closing.push(() => member.close());
    const broadcast = createZeromqBroadcast({ nodes: broadcastNodes(member) });
    closing.push(() => broadcast.close());
    const heard: string[] = [];
    const subscriber = broadcast.createSubscriber({ onDelivery: ({ event }) => void heard.push(event) });
    subscriber.subscribe('r:1');

    const node = await createZeromqNode({ id: 'n1', sequencer: new FakeSequencer() });
    closing.push(() => node.close());
    const info = { id: 'n1', role: BROADCAST_ROLE, version: '1', addresses: addressesOfBroadcastNode(node.addresses) };
    const own = joinCluster({ managers, intervalMs, node: info });
    closing.push(() => own.close());
    await broadcast.ready(8_000);
    await subscriber.settled();
    const publisher = broadcast.createPublisher();
    const body = new Uint8Array([1]);
    await publisher.publish('r:1', { lane: 'priority', event: 'first', id: '1', body, time: 1 });
    await manager.close();
    await vi.waitFor(() => expect(member.current.nodes).toHaveLength(1));
    await publisher.publish('r:1', { lane: 'priority', event: 'second', id: '2', body, time: 1 });
    await vi.waitFor(() => expect(heard).toEqual(['first', 'second']));
  });
});
