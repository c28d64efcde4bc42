import { createConnection } from 'node:net';
import { RecordingMetrics, seededRandom } from '@im/protocol/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Context, curveKeyPair, Push, Router, XSubscriber } from 'zeromq';
import type { NodeBroadcast } from '../link/link-broadcast.js';
import { normal, priority } from '../testing/contract/setting.js';
import { FakeSequencer } from '../testing/fake-sequencer.js';
import { subscribeRecording } from '../testing/recording-subscriber.js';
import { createZeromqBroadcast, type ZeromqBroadcastOptions } from './zeromq-broadcast.js';
import { createZeromqNode, type ZeromqNode, type ZeromqNodeOptions } from './zeromq-node.js';

const closing: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function startNode(options: Partial<ZeromqNodeOptions> = {}): Promise<ZeromqNode> {
  const node = await createZeromqNode({ id: 'n1', sequencer: new FakeSequencer(), ...options });
  closing.push(() => node.close());
  return node;
}

function connect(node: ZeromqNode, options: Partial<ZeromqBroadcastOptions> = {}): NodeBroadcast {
  const broadcast = createZeromqBroadcast({ nodes: [node.addresses], ...options });
  closing.push(() => broadcast.close());
  return broadcast;
}

/** Lets in whoever has one of these keys, as `createGuardedContext` of @im/rpc does. */
async function guarded(allowed: readonly Buffer[]): Promise<Context> {
  const context = new Context();
  const socket = new Router({ context, linger: 0 });
  await socket.bind('inproc://zeromq.zap.01');
  closing.push(() => socket.close());
  void (async () => {
    for await (const [identity, , version, request, , , , , key] of socket) {
      const verdict = allowed.some((one) => key !== undefined && one.equals(key)) ? '200' : '400';
      await socket.send([identity ?? '', '', version ?? '', request ?? '', verdict, '', '', '']);
    }
  })().catch(() => {});
  return context;
}

describe('a ZeroMQ broadcast node', () => {
  it('goes on when foreign programs talk to its sockets', async () => {
    const node = await startNode();
    const subscriber = await subscribeRecording(connect(node), 'r:1');
    for (const address of Object.values(node.addresses.publish)) {
      const foreign = new Push({ linger: 0 });
      closing.push(() => foreign.close());
      foreign.connect(address);
      for (const bytes of ['', 'GET / HTTP/1.1', '\x50\x01', Buffer.alloc(1_000, 0x50)]) await foreign.send(bytes);
    }
    const publisher = connect(node).createPublisher();
    await vi.waitFor(() => publisher.publish('r:1', normal('1')));
    await publisher.publish('r:1', priority('2'));
    await vi.waitFor(() => expect(subscriber.texts().sort()).toEqual(['1', '2']));
  });

  it('goes on when strangers send random bytes, hold connections half open, or send more than any pack may have', async () => {
    const node = await startNode();
    const subscriber = await subscribeRecording(connect(node), 'r:1');
    const random = seededRandom(20_261_121);
    const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
    // The first bytes of a greeting of ZMTP 3, after which nothing follows.
    const beginning = Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f]);
    const { publish, subscribe } = node.addresses;
    for (const address of [...Object.values(publish), ...Object.values(subscribe)]) {
      const { hostname, port } = new URL(address.replace('tcp:', 'http:'));
      for (let count = 0; count < 60; count++) {
        const stranger = createConnection(Number(port), hostname);
        closing.push(() => void stranger.destroy());
        stranger.on('error', () => {});
        if (count % 3 === 0) stranger.write(noise(1 + Math.floor(random() * 4_000)));
        else if (count % 3 === 1) stranger.write(beginning);
      }
    }
    for (const address of Object.values(publish)) {
      const stranger = new Push({ linger: 0 });
      closing.push(() => stranger.close());
      stranger.connect(address);
      await stranger.send(Buffer.alloc(9_000_000, 0x50));
      for (let count = 0; count < 200; count++) {
        await stranger.send(Buffer.concat([Buffer.from([0x50, 1]), noise(Math.floor(random() * 200))]));
      }
    }
    for (const address of Object.values(subscribe)) {
      const stranger = new XSubscriber({ linger: 0 });
      closing.push(() => stranger.close());
      stranger.connect(address);
      for (let count = 0; count < 200; count++) {
        await stranger.send(Buffer.concat([Buffer.from([count % 2]), noise(Math.floor(random() * 100))]));
      }
    }
    const publisher = connect(node).createPublisher();
    await vi.waitFor(() => publisher.publish('r:1', normal('1')));
    await publisher.publish('r:1', priority('2'));
    await vi.waitFor(() => expect(subscriber.texts().sort()).toEqual(['1', '2']));
  });

  it('refuses, before anything is sent, a body that is larger than any may be', async () => {
    const publisher = connect(await startNode()).createPublisher();
    const body = 'x'.repeat(65_537);
    for (const publication of [normal(body), priority(body)]) {
      await expect(publisher.publish('r:1', publication)).rejects.toMatchObject({ name: 'BODY_TOO_LARGE' });
      await expect(publisher.publishMany(['r:1', 'r:2'], publication)).rejects.toMatchObject({
        name: 'BODY_TOO_LARGE',
      });
    }
  });

  it('sends all packs of one moment, also when there are hundreds', async () => {
    const sequencer = new FakeSequencer();
    const node = await startNode({ sequencer });
    const groups = Array.from({ length: 800 }, (_, number) => `r:${number}`);
    const subscriber = await subscribeRecording(connect(node), ...groups);
    const publisher = connect(node).createPublisher();
    const body = 'x'.repeat(8_192);
    sequencer.hold();
    const published = groups.map((group) => publisher.publish(group, priority(body)));
    await vi.waitFor(() => expect(sequencer.held).toBe(groups.length));
    sequencer.release();
    await Promise.all(published);
    await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(groups.length));
  });

  it('and its peers record what goes through them, by lane', async () => {
    const [atNode, atPublisher, atSubscriber] = [
      new RecordingMetrics(),
      new RecordingMetrics(),
      new RecordingMetrics(),
    ];
    const node = await startNode({ metrics: atNode });
    const subscriber = await subscribeRecording(connect(node, { metrics: atSubscriber }), 'r:1', 'r:2', 'r:3');
    const options = { metrics: atPublisher, maxPriorityMessages: 3 };
    const publishing = connect(node, options);
    await publishing.ready(5_000);
    const publisher = publishing.createPublisher();
    await publisher.publish('r:1', normal('1'));
    await publisher.publishMany(['r:1', 'r:2'], normal('2'));
    const many = publisher.publishMany(['r:1', 'r:2', 'r:3'], priority('3'));
    await expect(publisher.publish('r:1', priority('4'))).rejects.toMatchObject({ name: 'QUEUE_FULL' });
    await many;
    await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(6));
    const lanes = (metrics: RecordingMetrics, name: string) =>
      ['normal', 'priority'].map((lane) => metrics.value(`im_broadcast_${name}_total`, { lane }));
    expect(lanes(atPublisher, 'sent')).toEqual([3, 3]);
    expect(lanes(atNode, 'published')).toEqual([3, 3]);
    expect(lanes(atSubscriber, 'received')).toEqual([3, 3]);
    expect(lanes(atSubscriber, 'missed_packs')).toEqual([0, 0]);
    expect(atPublisher.value('im_broadcast_refused_total')).toBe(1);
    expect(atPublisher.value('im_broadcast_unanswered_messages')).toBe(0);
    expect(atNode.value('im_broadcast_subscriptions')).toBe(3);
  });

  it('binds to other hosts only with keys, or when told that it may', async () => {
    const remote = { normal: 'tcp://0.0.0.0:*', priority: 'tcp://127.0.0.1:*' };
    await expect(startNode({ publish: remote })).rejects.toMatchObject({
      name: 'CONFIG_INVALID',
      details: { address: 'tcp://0.0.0.0:*' },
    });
    await startNode({ publish: remote, insecure: true });
  });

  it('names the address that it cannot bind', async () => {
    const { addresses } = await startNode();
    const { normal: taken, priority: alsoTaken } = addresses.publish;
    await expect(startNode({ publish: { normal: taken, priority: 'tcp://127.0.0.1:*' } })).rejects.toMatchObject({
      name: 'CONFIG_INVALID',
      message: expect.stringContaining(taken),
    });
    await expect(startNode({ publish: { normal: 'tcp://127.0.0.1:*', priority: alsoTaken } })).rejects.toThrow(
      alsoTaken,
    );
  });

  it('lets in whoever has a key that it knows, and nobody else', async () => {
    const [own, peer, stranger] = [curveKeyPair(), curveKeyPair(), curveKeyPair()];
    const known = decodeZ85(peer.publicKey);
    const node = await startNode({ keys: { secretKey: own.secretKey }, context: await guarded([known]) });
    const reach = (keys?: typeof peer) =>
      connect(node, keys === undefined ? {} : { keys: { ...keys, nodeKey: own.publicKey } });
    await reach(peer).ready(5_000);
    await expect(reach(stranger).ready(300)).rejects.toMatchObject({ name: 'UNAVAILABLE' });
    await expect(reach().ready(300)).rejects.toMatchObject({ name: 'UNAVAILABLE' });
  });

  it('has every one of 200,000 subscriptions of one gateway in force when it says so', async () => {
    const node = await startNode();
    const broadcast = connect(node);
    let delivered = 0;
    const subscriber = broadcast.createSubscriber({ onDelivery: () => void delivered++ });
    const groups = Array.from({ length: 200_000 }, (_, room) => `r:${room}`);
    for (const group of groups) subscriber.subscribe(group);
    // It takes the node a while to be in reach of a busy process.
    await vi.waitFor(() => subscriber.settled(), { timeout: 40_000 });
    const publisher = connect(node).createPublisher();
    await vi.waitFor(() => publisher.publish('r:0', normal('probe')));
    await vi.waitFor(() => expect(delivered).toBe(1));
    for (let at = 0; at < groups.length; at += 10_000) {
      await publisher.publishMany(groups.slice(at, at + 10_000), normal('1'));
    }
    await vi.waitFor(() => expect(delivered).toBe(200_001), { timeout: 20_000 });
  }, 60_000);

  it('is found again by those who were there when it is started anew at its place', async () => {
    const sequencer = new FakeSequencer();
    const node = await startNode({ sequencer });
    const broadcast = connect(node);
    let restored = 0;
    const texts: string[] = [];
    const subscriber = broadcast.createSubscriber({
      onDelivery: ({ body }) => void texts.push(new TextDecoder().decode(body)),
      onRestored: () => void restored++,
    });
    subscriber.subscribe('r:1');
    await subscriber.settled();
    const publisher = broadcast.createPublisher();
    await publisher.publish('r:1', priority('1', { id: 'a' }));
    const before = restored;
    await node.close();
    const published = publisher.publish('r:1', priority('2', { id: 'b' }));
    // Addresses are free a moment after a node is closed.
    await vi.waitFor(() => startNode({ sequencer, ...node.addresses }), { timeout: 10_000, interval: 10 });
    expect(await published).toMatchObject({ version: 2 });
    await vi.waitFor(() => expect(restored).toBeGreaterThan(before));
    await publisher.publish('r:1', normal('3'));
    await vi.waitFor(() => expect(texts).toContain('3'));
  }, 20_000);
});

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

function decodeZ85(text: string): Buffer {
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let at = 0; at < text.length; at += 5) {
    let value = 0;
    for (const character of text.slice(at, at + 5)) value = value * 85 + Z85.indexOf(character);
    bytes.writeUInt32BE(value, (at / 5) * 4);
  }
  return bytes;
}
