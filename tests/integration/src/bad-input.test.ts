/** What a whole server does about what it should never get: each a clear line or code, and nothing acknowledged is lost. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import path from 'node:path';
import { createZeromqBroadcast } from '@im/broadcast/zeromq';
import { seededRandom } from '@im/protocol/testing';
import { createZeromqRpc } from '@im/rpc/zeromq';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { ImProcess, Up } from './im-process.js';
import type { Person } from './person.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 30_000, interval: 20 };
const ROOM = '10000';
const [RPC_PORT, BUS_PORT, CLUSTER_PORT] = [7541, 7551, 7591];
const MANAGER = `tcp://127.0.0.1:${CLUSTER_PORT}`;
const BROKER = `tcp://127.0.0.1:${RPC_PORT}`;
const CHILDREN = ['broker-1', 'manager-1', 'node-1', 'worker-1', 'gateway-1'];
const MEBIBYTE = 1_048_576;

const workplace = new Workplace();
const closing: (() => unknown)[] = [];
let redis: RedisServer;
let folder: string;
let up: Up;
let ann: Person;
let bob: Person;
const [sent, seen]: [string[], string[]] = [[], []];

beforeAll(async () => {
  if (!hasRedisServer) return;
  redis = await startRedisServer({ persistent: true });
  folder = await workplace.folder();
  const ports = ['--rpc-port', `${RPC_PORT}`, '--bus-port', `${BUS_PORT}`, '--cluster-port', `${CLUSTER_PORT}`];
  const parts = ['--workers', '1', '--managers', '1', '--manager-port', '0', '--transport', 'tcp', ...ports];
  up = new Up(parts, folder, { IM_REDIS: redis.url });
  const origin = await workplace.open(up);
  ann = await workplace.signIn(origin, 'Ann');
  bob = await workplace.signIn(origin, 'Bob');
  await ann.enter(ROOM);
  (await bob.enter(ROOM)).on('gift', ({ id }) => seen.push(id));
});
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(async () => {
  if (!hasRedisServer) return;
  await workplace.clear();
  await redis.stop();
});

/** As fast as one person may. */
async function give(): Promise<void> {
  const key = randomUUID();
  await vi.waitFor(async () => {
    const { id } = await ann.client.call('gift.send', { room: ROOM, gift: 'rose' }, { key });
    sent.push(id);
  }, WAIT);
}

/** Whatever was acknowledged so far was seen once, in order, and no process was started a second time. */
async function expectAllIsWell(): Promise<void> {
  await give();
  await vi.waitFor(() => expect(seen.length, up.output).toBe(sent.length), WAIT);
  expect(seen).toEqual(sent);
  expect(CHILDREN.map((child) => up.pids(child).length)).toEqual(CHILDREN.map(() => 1));
}

/** One more process of this cluster, from a folder of its own. */
async function start(command: string, args: readonly string[], variables: Record<string, string> = {}) {
  const all = [command, '--json', ...args, '--manager', MANAGER, '--broker', BROKER];
  const environment = { IM_REDIS: redis.url, ...variables };
  const running = new ImProcess(all, await workplace.folder(), environment);
  closing.push(() => running.signal('SIGTERM'));
  return running;
}

const said = (process: ImProcess, message: string | RegExp): unknown =>
  process.log.find((line) =>
    typeof message === 'string' ? line.message === message : message.test(line.message ?? ''),
  );

describe.skipIf(!hasRedisServer)('a running server', () => {
  it('keeps a broadcast node with the id of another one out, and says so', async () => {
    await give();
    const twin = await start('broadcast-node', ['--listen', `node-1@tcp://127.0.0.1:${BUS_PORT + 20}`]);
    await vi.waitFor(() => {
      expect(said(twin, /another node with this id lives elsewhere/), twin.output).toMatchObject({ id: 'node-1' });
    }, WAIT);
    for (let count = 0; count < 5; count += 1) await give();
    await expectAllIsWell();
  });

  it.each([
    ['ahead', 3_600_000],
    ['behind', -3_600_000],
  ])('takes in a gateway and a node whose clocks are an hour %s', async (_, shiftMs) => {
    // Loaded before the program.
    const shift = `globalThis.trueNow=Date.now;Date.now=()=>trueNow()+(${shiftMs})`;
    const clock = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(shift)}` };
    const id = shiftMs > 0 ? 'node-2' : 'node-3';
    await start('broadcast-node', ['--listen', `${id}@tcp://127.0.0.1:${BUS_PORT + (shiftMs > 0 ? 4 : 8)}`], clock);
    const secrets = ['--data', path.join(folder, '.im')];
    const gateway = await start('gateway', ['--port', '0', ...secrets], clock);
    const inReach = () => up.log.filter(({ message, node }) => /node is in reach/.test(message ?? '') && node === id);
    // The gateway of `im up`, and its worker.
    await vi.waitFor(() => expect(inReach().length, up.output).toBe(2), WAIT);
    await vi.waitFor(() => expect(said(gateway, 'ready'), gateway.output).toBeDefined(), WAIT);
    const { origin, time } = said(gateway, 'ready') as { origin: string; time: string };
    expect(Math.round((Date.parse(time) - Date.now()) / 3_600_000)).toBe(shiftMs / 3_600_000);
    const carol = await workplace.signIn(origin, 'Carol');
    const gifts: string[] = [];
    (await carol.enter(ROOM)).on('gift', ({ id }) => gifts.push(id));
    const before = sent.length;
    for (let count = 0; count < 10; count += 1) await give();
    await expectAllIsWell();
    await vi.waitFor(() => expect(gifts).toEqual(sent.slice(before)), WAIT);
    // No heartbeat is too old, or too new, for a manager.
    const token = (await readFile(path.join(folder, '.im/admin-token'), 'utf8')).trim();
    const { route } = up.log.find(({ process, message }) => process === 'manager-1' && message === 'ready') ?? {};
    const answer = await fetch((route as string).replace('route', 'nodes'), {
      headers: { authorization: `Bearer ${token}` },
    });
    const { nodes } = (await answer.json()) as { nodes: { node: { id: string } }[] };
    expect(nodes.map(({ node }) => node.id)).toContain(id);
  });

  it('refuses bodies that are too large at every door, with a code each', async () => {
    const token = (await readFile(path.join(folder, '.im/push-token'), 'utf8')).trim();
    const push = async (bytes: number) => {
      const response = await fetch(`${up.origin}/v1/push`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ to: { room: ROOM }, event: 'gift', lane: 'priority', data: 'x'.repeat(bytes) }),
      });
      return { status: response.status, ...((await response.json()) as { error?: { name: string } }) };
    };
    expect(await push(65_537)).toMatchObject({ status: 413, error: { name: 'BODY_TOO_LARGE' } });
    expect(await push(MEBIBYTE)).toMatchObject({ status: 413, error: { name: 'BODY_TOO_LARGE' } });

    const bus = (lane: number) => `tcp://127.0.0.1:${BUS_PORT + lane}`;
    const addresses = { normal: bus(0), priority: bus(1) };
    const node = { id: 'node-1', publish: addresses, subscribe: { normal: bus(2), priority: bus(3) } };
    const broadcast = createZeromqBroadcast({ nodes: [node] });
    closing.push(() => broadcast.close());
    const large = { event: 'gift', body: new Uint8Array(65_537), time: 0, lane: 'priority' } as const;
    await expect(broadcast.createPublisher().publish(`r:${ROOM}`, large)).rejects.toMatchObject({
      name: 'BODY_TOO_LARGE',
    });

    const rpc = createZeromqRpc({ brokers: [{ callers: BROKER, workers: `tcp://127.0.0.1:${RPC_PORT + 1}` }] });
    closing.push(() => rpc.close());
    const call = rpc.createCaller().call('gift', 'send', new Uint8Array(MEBIBYTE + 1));
    await expect(call).rejects.toMatchObject({ name: 'BODY_TOO_LARGE' });

    const frame = ann.client.call('chat.send', { room: ROOM, text: 'x'.repeat(70_000) });
    await expect(frame).rejects.toMatchObject({ name: 'FRAME_TOO_LARGE' });
    const raw = new WebSocket(`${up.origin?.replace('http', 'ws')}/im`, 'im.json.v1');
    raw.on('error', () => {});
    await once(raw, 'open');
    raw.send('x'.repeat(70_000));
    expect((await once(raw, 'close'))[0]).toBe(4501);
    await expectAllIsWell();
  });

  it('goes on when foreign programs talk to all of its ports, or say nothing at all', async () => {
    const random = seededRandom(20_261_121);
    const noise = (length: number) => Buffer.from(Array.from({ length }, () => Math.floor(random() * 256)));
    const openings = [
      () => undefined,
      () => Buffer.from([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f]),
      () => Buffer.from('GET / HTTP/1.1\r\nhost: example.org\r\n\r\n'),
      () => noise(1 + Math.floor(random() * 4_000)),
    ];
    const bus = [0, 1, 2, 3].map((above) => BUS_PORT + above);
    const ports = [...bus, RPC_PORT, RPC_PORT + 1, CLUSTER_PORT, CLUSTER_PORT + 1];
    ports.push(Number(new URL(up.origin as string).port));
    const strangers: Socket[] = [];
    closing.push(() => strangers.forEach((stranger) => void stranger.destroy()));
    for (const port of ports) {
      for (let count = 0; count < 80; count += 1) {
        const stranger = createConnection(port, '127.0.0.1').on('error', () => {});
        strangers.push(stranger);
        await once(stranger, 'connect');
        const bytes = openings[count % openings.length]?.();
        if (bytes !== undefined) stranger.write(bytes);
        if (count % 20 === 0) await give();
      }
    }
    await expectAllIsWell();
    expect(up.log.filter(({ level }) => level === 'error')).toEqual([]);
  });
});
