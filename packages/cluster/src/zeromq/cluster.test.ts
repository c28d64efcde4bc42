import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { RecordingLogger, RecordingMetrics, seededRandom } from '@im/protocol/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Context, curveKeyPair, Push, Router, XSubscriber } from 'zeromq';
import { type ClusterMember, type JoinOptions, joinCluster } from './cluster-member.js';
import {
  createNodeManager,
  type ManagerAddress,
  type NodeManagerOptions,
  type ZeromqNodeManager,
} from './zeromq-manager.js';

const intervalMs = 100;
const FREE = 'tcp://127.0.0.1:*';
const PATIENCE = { timeout: 8_000 };
const closing: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function startManager(options: Partial<NodeManagerOptions> = {}): Promise<ZeromqNodeManager> {
  const listen = { heartbeats: FREE, topology: FREE };
  const manager = await createNodeManager({ id: 'm1', listen, intervalMs, ...options });
  closing.push(() => manager.close());
  return manager;
}

/** @param id of a gateway, unless there is none */
function join(managers: readonly ManagerAddress[], id?: string, options: Partial<JoinOptions> = {}): ClusterMember {
  const node =
    id === undefined ? {} : { node: { id, role: 'gateway', version: '1', addresses: { ws: `ws://${id}/` } } };
  const member = joinCluster({ managers, intervalMs, ...node, ...options });
  closing.push(() => member.close());
  return member;
}

const idsOf = ({ current }: ClusterMember): string[] => current.nodes.map(({ id }) => id);

const sees = (member: ClusterMember, ...ids: string[]) =>
  vi.waitFor(() => expect(idsOf(member)).toEqual(ids), PATIENCE);

describe('a cluster on ZeroMQ', () => {
  it('tells every member who is there, late ones too, and who goes', async () => {
    const { address } = await startManager();
    const [a, watcher] = [join([address], 'a'), join([address])];
    await a.ready(8_000);
    const b = join([address], 'b');
    for (const member of [a, b, watcher]) await sees(member, 'a', 'b');
    const late = join([address]);
    await late.ready(8_000);
    expect(idsOf(late)).toEqual(['a', 'b']);
    const { epoch } = a.current;
    await b.close();
    await sees(a, 'a');
    expect(a.current.epoch).toBeGreaterThan(epoch);
    expect(idsOf(b)).toEqual(['a', 'b']);
  });

  it('tells a gateway alone, and once, that it is to drain, from whichever manager, and forgets it with the gateway', async () => {
    const [first, second] = [await startManager(), await startManager({ id: 'm2' })];
    const addresses = [first.address, second.address];
    const [a, b] = [join(addresses, 'a'), join(addresses, 'b')];
    for (const member of [a, b]) await sees(member, 'a', 'b');
    const heard: [string, number | undefined][] = [];
    a.onOrder(({ windowMs }) => heard.push(['a', windowMs]));
    b.onOrder(({ windowMs }) => heard.push(['b', windowMs]));
    await vi.waitFor(() => expect(second.topology().nodes).toHaveLength(2), PATIENCE);
    first.drain({ node: 'a', windowMs: 500 });
    await vi.waitFor(() => expect(heard).toEqual([['a', 500]]), PATIENCE);
    second.keep('a');
    await vi.waitFor(() => expect(heard.at(-1)).toEqual(['a', undefined]), PATIENCE);
    expect([first, second].map((manager) => manager.status().orders.length)).toEqual([1, 1]);
    expect(first.journal().some(({ kind, id }) => kind === 'ordered' && id === 'a')).toBe(true);
    await a.close();
    await vi.waitFor(() => expect(first.status().orders).toEqual([]), PATIENCE);
    expect(heard).toHaveLength(2);
  });

  it('keeps the last topology when all managers are gone, and finds back to them when they return', async () => {
    const managers = [await startManager(), await startManager({ id: 'm2' })];
    const addresses = managers.map(({ address }) => address);
    const [a, b] = [join(addresses, 'a'), join(addresses, 'b')];
    await sees(a, 'a', 'b');
    const seen: string[][] = [];
    a.subscribe(({ nodes }) => seen.push(nodes.map(({ id }) => id)));
    for (const manager of managers) await manager.close();
    // Long enough for every deadline to pass, by a clock that is not that of the heartbeats.
    const c = join(addresses, 'c');
    await expect(c.ready(1_500)).rejects.toMatchObject({ name: 'UNAVAILABLE', retryable: true });
    expect([idsOf(a), idsOf(b)]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    const { epoch } = a.current;
    for (const [index, listen] of addresses.entries()) {
      // Addresses are free a little after they were given up.
      await vi.waitFor(() => startManager({ id: `m${index + 1}`, listen, warmUpMs: 1_500 }), PATIENCE);
    }
    for (const member of [a, b, c]) await sees(member, 'a', 'b', 'c');
    // No half-empty one in between.
    for (const ids of seen) expect(ids).toEqual(expect.arrayContaining(['a', 'b']));
    expect(a.current.epoch).toBeGreaterThan(epoch);
  });

  it('goes on with one manager when another is gone, and notices who dies then', async () => {
    const [first, second] = [await startManager(), await startManager({ id: 'm2' })];
    const addresses = [first.address, second.address];
    const [a, b] = [join(addresses, 'a'), join(addresses, 'b')];
    await sees(a, 'a', 'b');
    await first.close();
    await b.close();
    await sees(a, 'a');
  });

  it('has several managers agree on the epoch', async () => {
    const [first, second] = [await startManager(), await startManager({ id: 'm2' })];
    for (let round = 0; round < 3; round++) {
      const x = join([first.address], 'x');
      await sees(x, 'x');
      await x.close();
      await vi.waitFor(() => expect(first.status().nodes).toEqual([]), PATIENCE);
    }
    const a = join([first.address, second.address], 'a');
    await vi.waitFor(() => {
      const epochs = [first.topology().epoch, second.topology().epoch, a.current.epoch];
      expect(new Set(epochs).size).toBe(1);
      expect(epochs[0]).toBeGreaterThan(1);
    }, PATIENCE);
  });

  it('finds out who died without a word, says why, and keeps all if most die at once', async () => {
    const logger = new RecordingLogger();
    const metrics = new RecordingMetrics();
    const manager = await startManager({ logger, metrics });
    // Heartbeats by hand: nobody says good bye for them.
    const push = new Push({ linger: 0 });
    closing.push(() => push.close());
    push.connect(manager.address.heartbeats);
    const speak = (id: string) => {
      const node = { id, incarnation: '1', role: 'worker', version: '1', addresses: { x: id }, labels: {} };
      const state = { weight: 1, load: 0, draining: false, startedAt: 1 };
      const message = { kind: 'heartbeat', node: { ...node, ...state }, figures: {}, intervalMs, epoch: 0 };
      return push.send(JSON.stringify(message));
    };
    const watcher = join([manager.address]);
    for (const id of ['a', 'b', 'c']) await speak(id);
    await sees(watcher, 'a', 'b', 'c');
    await vi.waitFor(() => expect(manager.status().heldBack?.ids).toEqual(['a', 'b', 'c']), PATIENCE);
    expect(metrics.value('im_cluster_held_back_nodes')).toBe(3);
    expect(metrics.value('im_cluster_node_events_total', { kind: 'died' })).toBe(3);
    expect(logger.records.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect(idsOf(watcher)).toEqual(['a', 'b', 'c']);
    expect(manager.release()).toBe(3);
    await sees(watcher);
    const texts = manager.journal().map(({ kind, text }) => `${kind}: ${text}`);
    expect(texts.slice(0, 3)).toEqual(['a', 'b', 'c'].map((id) => `came: worker ${id} came: its first heartbeat`));
    expect(texts.at(3)).toMatch(/^died: worker a died: no heartbeat for \d+ ms$/);
    expect(texts.at(-1)).toMatch(/^released: /);
  });

  it('tells a node with the id of another one that it is refused, and the cluster does not see it', async () => {
    const { address } = await startManager();
    const a = join([address], 'a');
    await sees(a, 'a');
    const onRefused = vi.fn();
    const node = { id: 'a', role: 'gateway', version: '1', addresses: { ws: 'ws://elsewhere/' } };
    const twin = join([address], undefined, { node, onRefused });
    await vi.waitFor(() => expect(onRefused).toHaveBeenCalledWith('duplicate'), PATIENCE);
    expect(a.current.nodes.map(({ addresses }) => addresses.ws)).toEqual(['ws://a/']);
    await a.close();
    await vi.waitFor(() => expect(twin.current.nodes[0]?.addresses.ws).toBe('ws://elsewhere/'), PATIENCE);
    expect(onRefused).toHaveBeenCalledTimes(1);
  });

  it('counts what foreign programs send, logs one line of it, and goes on', async () => {
    const [logger, metrics] = [new RecordingLogger(), new RecordingMetrics()];
    const { address } = await startManager({ logger, metrics });
    const foreign = new Push({ linger: 0 });
    closing.push(() => foreign.close());
    foreign.connect(address.heartbeats);
    for (const bytes of ['', 'GET / HTTP/1.1', '{"kind":"heartbeat"}', '\u0000']) await foreign.send(bytes);
    await foreign.send(['two', 'frames']);
    const { hostname, port } = new URL(address.heartbeats.replace('tcp:', 'http:'));
    const raw = createConnection(Number(port), hostname, () => raw.end('GET / HTTP/1.1\r\n\r\n'));
    closing.push(() => raw.destroy());
    raw.on('error', () => {});
    await vi.waitFor(() => expect(metrics.value('im_cluster_foreign_messages_total')).toBe(5), PATIENCE);
    const a = join([address], 'a');
    await sees(a, 'a');
    expect(logger.records.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('goes on when strangers hold connections half open, send random bytes, or subscribe to nonsense', async () => {
    const [logger, metrics] = [new RecordingLogger(), new RecordingMetrics()];
    const { address } = await startManager({ logger, metrics });
    const random = seededRandom(20_261_121);
    const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
    for (const port of [address.heartbeats, address.topology].map((url) => Number(url.split(':').at(-1)))) {
      for (let count = 0; count < 60; count++) {
        const stranger = createConnection(port, '127.0.0.1');
        closing.push(() => void stranger.destroy());
        stranger.on('error', () => {});
        if (count % 2 === 0) stranger.write(noise(1 + Math.floor(random() * 4_000)));
      }
    }
    const [pushing, subscribing] = [new Push({ linger: 0 }), new XSubscriber({ linger: 0 })];
    for (const socket of [pushing, subscribing]) closing.push(() => socket.close());
    pushing.connect(address.heartbeats);
    subscribing.connect(address.topology);
    for (let count = 0; count < 200; count++) {
      await pushing.send(noise(Math.floor(random() * 300)));
      await subscribing.send(Buffer.concat([Buffer.from([1]), noise(Math.floor(random() * 100))]));
    }
    await pushing.send(noise(20_000));
    const a = join([address], 'a');
    await sees(a, 'a');
    await vi.waitFor(() => expect(metrics.value('im_cluster_foreign_messages_total')).toBeGreaterThan(150), PATIENCE);
    expect(logger.records.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('has the load and the figures of a member with its manager, and tells of draining at once', async () => {
    const manager = await startManager();
    const a = join([manager.address], 'a');
    await sees(a, 'a');
    a.setLoad(0.5, { connections: 12 });
    await vi.waitFor(() => {
      expect(manager.status().nodes).toMatchObject([{ node: { load: 0.5 }, figures: { connections: 12 } }]);
    }, PATIENCE);
    expect(manager.topology().nodes).toMatchObject([{ load: 0.5 }]);
    a.setDraining(true);
    await vi.waitFor(() => expect(a.current.nodes).toMatchObject([{ draining: true }]), PATIENCE);
    expect(() => a.setLoad(-1)).toThrow(expect.objectContaining({ name: 'CONFIG_INVALID' }));
  });

  it('lets a member that only listens become a node, and say something else of itself later', async () => {
    const { address } = await startManager();
    const a = join([address]);
    await a.ready(8_000);
    const node = { id: 'a', role: 'gateway', version: '1', addresses: { ws: 'ws://first/' } };
    a.announce(node);
    await vi.waitFor(() => expect(a.current.nodes).toMatchObject([{ addresses: { ws: 'ws://first/' } }]), PATIENCE);
    a.announce({ ...node, addresses: { ws: 'ws://second/' } });
    await vi.waitFor(() => expect(a.current.nodes).toMatchObject([{ addresses: { ws: 'ws://second/' } }]), PATIENCE);
  });

  it('refuses a node that managers would not take, where it is made', () => {
    const node = { id: 'not a name', role: 'gateway', version: '1' };
    expect(() => joinCluster({ managers: [], node })).toThrow(expect.objectContaining({ name: 'CONFIG_INVALID' }));
  });

  it('works over sockets of the file system', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'im-cluster-'));
    closing.push(() => rm(folder, { recursive: true, force: true }));
    const { address } = await startManager({
      listen: { heartbeats: `ipc://${folder}/heartbeats`, topology: `ipc://${folder}/topology` },
    });
    await sees(join([address], 'a'), 'a');
  });

  it('binds to other hosts only with keys, or when told that it may, and names the address that it cannot bind', async () => {
    const listen = { heartbeats: 'tcp://0.0.0.0:*', topology: FREE };
    await expect(startManager({ listen })).rejects.toMatchObject({
      name: 'CONFIG_INVALID',
      details: { address: 'tcp://0.0.0.0:*' },
    });
    const { address } = await startManager({ listen, insecure: true });
    const taken = { heartbeats: FREE, topology: address.topology };
    await expect(startManager({ listen: taken })).rejects.toThrow(address.topology);
  });

  it('lets in whoever has a key that it knows, and nobody else', async () => {
    const [own, known, stranger] = [curveKeyPair(), curveKeyPair(), curveKeyPair()];
    const context = await guardedContext(known.publicKey);
    const manager = await startManager({ keys: { secretKey: own.secretKey }, context });
    const managerKey = own.publicKey;
    const [in_, out] = [known, stranger].map((keys, index) =>
      join([manager.address], `n${index}`, { keys: { ...keys, managerKey } }),
    ) as [ClusterMember, ClusterMember];
    const plain = join([manager.address], 'plain');
    await sees(in_, 'n0');
    for (const member of [out, plain]) {
      await expect(member.ready(500)).rejects.toMatchObject({ name: 'UNAVAILABLE' });
    }
    expect(manager.status().nodes.map(({ node }) => node.id)).toEqual(['n0']);
  });
});

/** Lets in whoever has this key, as `createGuardedContext` of @im/rpc does. */
async function guardedContext(allowed: string): Promise<Context> {
  const context = new Context();
  const socket = new Router({ context, linger: 0 });
  await socket.bind('inproc://zeromq.zap.01');
  closing.push(() => socket.close());
  const bytes = decodeZ85(allowed);
  void (async () => {
    for await (const [identity, , version, request, , , , , key] of socket) {
      const verdict = key?.equals(bytes) ? '200' : '400';
      await socket.send([identity ?? '', '', version ?? '', request ?? '', verdict, '', '', '']);
    }
  })().catch(() => {});
  return context;
}

function decodeZ85(text: string): Buffer {
  const digits = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
  const bytes = Buffer.alloc((text.length / 5) * 4);
  for (let at = 0; at < text.length; at += 5) {
    let value = 0;
    for (const digit of text.slice(at, at + 5)) value = value * 85 + digits.indexOf(digit);
    bytes.writeUInt32BE(value, (at / 5) * 4);
  }
  return bytes;
}
