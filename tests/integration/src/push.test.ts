/** Pushing from anywhere into a running cluster, and what becomes of a push whose node is killed at the worst moment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { NodeAddresses } from '@im/broadcast/zeromq';
import { RecordingMetrics } from '@im/protocol/testing';
import { createHttpPushClient, createRpcPushClient, type PushClient } from '@im/push-client';
import { createZeromqPushClient } from '@im/push-client/zeromq';
import { createZeromqRpc } from '@im/rpc/zeromq';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { createRedisLogStore } from '@im/timeline/redis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Up } from './im-process.js';
import type { Person } from './person.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 30_000, interval: 20 };
const clients = path.resolve(import.meta.dirname, '../../../clients');
const languages = [
  ['/usr/bin/php', 'php/tests/pusher.php'],
  ['/usr/bin/python3', 'python/tests/pusher.py'],
] as const;

let redis: RedisServer;
/** Ended in reverse. */
let closing: (() => unknown)[];

beforeEach(async () => {
  redis = await startRedisServer({ persistent: true });
  closing = [];
});

afterEach(async () => {
  for (const close of closing.reverse()) await close();
  await redis.stop();
});

function closedLater<Closable extends { close(): unknown }>(one: Closable): Closable {
  closing.push(() => one.close());
  return one;
}

/** The first line that a program says; it is killed in the end. */
async function firstLineOf(child: ChildProcess): Promise<unknown> {
  closing.push(() => endedBy(child, 'SIGKILL'));
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream });
  const ended = once(child, 'close').then(([code]) => Promise.reject(new Error(`it ended with ${code}`)));
  ended.catch(() => {});
  const [line] = (await Promise.race([once(lines, 'line'), ended])) as [string];
  return JSON.parse(line);
}

async function endedBy(child: ChildProcess, signal?: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'close');
  if (signal !== undefined) child.kill(signal);
  await ended;
}

describe.skipIf(!hasRedisServer)('im up takes pushes', () => {
  const workplace = new Workplace();
  let up: Up;
  let ann: Person;
  let folder: string;

  beforeEach(async () => {
    folder = await workplace.folder();
    closing.push(() => workplace.clear());
    const nodes = ['--gateways', '2', '--broadcast-nodes', '2', '--workers', '2'];
    const args = [...nodes, '--managers', '1', '--manager-port', '0'];
    up = new Up(args, folder, { IM_REDIS: redis.url });
    ann = await workplace.signIn(await workplace.open(up), 'Ann');
    await ann.enter('1');
  });

  const pushTo = (client: PushClient, text: string) =>
    client.toUser(ann.user, { event: 'message', data: { text }, lane: 'priority', id: text });

  async function openWays() {
    const brokers = up.brokers.map((name) => ({ callers: `${name}.callers`, workers: `${name}.workers` }));
    const caller = closedLater(createZeromqRpc({ brokers })).createCaller();
    const token = (await readFile(path.join(folder, '.im/push-token'), 'utf8')).trim();
    const manager = `ipc://${path.join(folder, '.im/rpc/manager-1')}`;
    const managers = [{ heartbeats: `${manager}.heartbeats`, topology: `${manager}.topology` }];
    const byHttp = closedLater(createHttpPushClient({ url: `${up.origin}/v1/push`, token }));
    const byRpc = closedLater(createRpcPushClient({ caller }));
    const byZeromq = closedLater(createZeromqPushClient({ managers, receipts: caller }));
    await byZeromq.ready(20_000);
    return { brokers, byHttp, byRpc, byZeromq };
  }

  it('over HTTP, by RPC in three languages, and over ZeroMQ, each once, wherever a repetition goes', async () => {
    const { brokers, byHttp, byRpc, byZeromq } = await openWays();
    const ways = [byHttp, byRpc, byZeromq];
    for (const [number, client] of ways.entries()) {
      expect(await pushTo(client, `by-${number}`)).toMatchObject({ version: number + 1 });
      // Whichever way it comes again.
      for (const other of ways) expect(await pushTo(other, `by-${number}`)).toMatchObject({ duplicate: true });
    }
    for (const [program, file] of languages) {
      const child = spawn(program, [path.join(clients, file), brokers[0]?.callers as string]);
      const answer = firstLineOf(child);
      const push = { to: { user: ann.user }, event: 'message', data: { text: file }, lane: 'priority', id: file };
      child.stdin?.write(`${JSON.stringify(push)}\n`);
      expect(await answer).toMatchObject({ published: [{ group: `u:${ann.user}` }] });
    }
    const everybody = Array.from({ length: 9_999 }, (_, number) => `user-${number}`);
    const { published, failed } = await byZeromq.toUsers([...everybody, ann.user], {
      event: 'message',
      data: { text: 'to ten thousand' },
      lane: 'priority',
    });
    expect([published.length, failed.size]).toEqual([10_000, 0]);
    await byZeromq.toAll({ event: 'message', data: { text: 'nobody listens to that one' } });
    const texts = ['by-0', 'by-1', 'by-2', ...languages.map(([, file]) => file), 'to ten thousand'];
    await vi.waitFor(() => expect(ann.messages.map(({ text }) => text)).toEqual(texts), WAIT);
  });

  it('that ask how many have them, whichever way, and tells who waits when enough do: here, and back from away', async () => {
    const { byHttp, byRpc, byZeromq } = await openWays();
    const bob = await workplace.signIn(up.gateways[1] as string, 'Bob');
    await bob.enter('1');
    bob.goAway();
    const message = (text: string) => ({ event: 'message', data: { text }, lane: 'priority', id: text }) as const;
    const receipt = true;
    const both = [ann.user, bob.user];
    const crowd = Array.from({ length: 9_998 }, (_, number) => `user-${number}`);
    const { failed } = await byZeromq.toUsers([...crowd, ...both], message('to all'), { receipt });
    expect(failed.size).toBe(0);
    await byHttp.toUsers(both, message('to both'), { receipt });
    const times = { timeoutMs: 30_000 };
    expect(await byRpc.waitDelivered('to both', { atLeast: 1, ...times })).toEqual({
      ...{ of: 2, delivered: 1, isComplete: true },
    });
    expect(await byHttp.waitDelivered('to all', { atLeast: 1, ...times })).toMatchObject({ of: 10_000, delivered: 1 });
    // Who was away confirms what was kept.
    bob.comeBack();
    expect(await byZeromq.waitDelivered('to both', times)).toEqual({ of: 2, delivered: 2, isComplete: true });
    expect(await byHttp.waitDelivered('to all', { atLeast: 2, ...times })).toMatchObject({ delivered: 2 });
    // A repetition is the same push, and its receipt.
    expect((await byRpc.toUsers(both, message('to both'), { receipt })).published).toMatchObject([
      { duplicate: true },
      { duplicate: true },
    ]);
    expect(await byHttp.receiptOf('to both')).toEqual({ of: 2, delivered: 2, isComplete: true });
    for (const { messages } of [ann, bob]) expect(messages.map(({ text }) => text)).toEqual(['to all', 'to both']);
  });

  it('and publishes each once while one of its nodes and its workers are killed', async () => {
    const manager = `ipc://${path.join(folder, '.im/rpc/manager-1')}`;
    const managers = [{ heartbeats: `${manager}.heartbeats`, topology: `${manager}.topology` }];
    const byZeromq = closedLater(createZeromqPushClient({ managers, timeoutMs: 30_000 }));
    await byZeromq.ready(20_000);
    const texts = Array.from({ length: 40 }, (_, number) => `push-${number}`);
    for (const [number, text] of texts.entries()) {
      if (number % 10 === 5) {
        const victim = ['node-1', 'worker-1', 'node-2', 'worker-2'][Math.floor(number / 10)] as string;
        process.kill(up.pids(victim).at(-1) as number, 'SIGKILL');
      }
      expect(await pushTo(byZeromq, text)).toMatchObject({ version: number + 1 });
    }
    await vi.waitFor(() => expect(ann.messages.map(({ text }) => text)).toEqual(texts), WAIT);
  });
});

describe.skipIf(!hasRedisServer)('a push whose node is killed after the log has it, before anybody is answered', () => {
  interface Node {
    readonly child: ChildProcess;
    readonly addresses: NodeAddresses;
  }

  async function startNode(node: Partial<NodeAddresses>, ...lastWords: string[]): Promise<Node> {
    const program = path.join(import.meta.dirname, 'programs/dying-node.mjs');
    const child = spawn(process.execPath, [program, redis.url, JSON.stringify(node), ...lastWords], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return { child, addresses: (await firstLineOf(child)) as NodeAddresses };
  }

  const users = Array.from({ length: 1_000 }, (_, number) => `user-${number}`);
  const news = { event: 'news', lane: 'priority' } as const;

  it.each([
    ['started anew at its place', async ({ addresses }: Node) => void (await startNode(addresses))],
    ['not started again: another one takes over', async () => {}],
  ])('is in the log once, and answered with its version, when the node is %s', async (_, mend) => {
    const dying = await startNode({ id: 'node-1' }, news.event);
    const other = await startNode({ id: 'node-2' });
    const metrics = new RecordingMetrics();
    const nodes = [dying.addresses, other.addresses];
    const client = closedLater(createZeromqPushClient({ nodes, timeoutMs: 30_000, metrics }));
    const log = closedLater(createRedisLogStore({ url: redis.url }));
    await log.ready();
    // Each of them has some of the users.
    await vi.waitFor(() => expect(metrics.value('im_broadcast_nodes')).toBe(2), WAIT);
    const toMany = client.toUsers(users, news);
    const toEach = users
      .slice(0, 20)
      .map((user) => client.toUser(user, { ...news, event: 'more', id: `more-${user}` }));
    await endedBy(dying.child);
    await mend(dying);
    const { published, failed } = await toMany;
    expect([published.length, failed.size]).toEqual([users.length, 0]);
    expect(new Set(published.map(({ version }) => version))).toEqual(new Set([1]));
    // Some of them the dead one had written.
    expect(published.some(({ duplicate }) => duplicate === true)).toBe(true);
    expect((await Promise.all(toEach)).map(({ version }) => version)).toEqual(toEach.map(() => 2));
    const heads = await Promise.all(users.map((user) => log.head(`u:${user}`)));
    expect(heads.map(({ version }) => version)).toEqual(users.map((_, number) => (number < 20 ? 2 : 1)));
  });
});
