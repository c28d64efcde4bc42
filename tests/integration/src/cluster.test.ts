/** Several gateways and broadcast nodes that share nothing but a Redis. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ImProcess, Up } from './im-process.js';
import type { Person } from './person.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 30_000, interval: 20 };
const ROOM = '10000';

const workplace = new Workplace();
let redis: RedisServer;
let up: Up;
let folder: string;

beforeEach(async () => {
  redis = await startRedisServer({ persistent: true });
});
afterEach(async () => {
  await workplace.clear();
  await redis.stop();
});

/** @returns the origins of the gateways */
async function startCluster(...more: string[]): Promise<readonly string[]> {
  const args = ['--gateways', '2', '--broadcast-nodes', '2', '--workers', '1', ...more];
  folder = await workplace.folder();
  up = workplace.run(new Up(args, folder, { IM_REDIS: redis.url }));
  await vi.waitFor(() => expect(up.gateways, up.output).toHaveLength(2), WAIT);
  return up.gateways;
}

/** Where a node manager tells clients which gateway to take. */
function routeOf(manager: string): string {
  const ready = up.log.find(({ process: name, message }) => name === manager && message === 'ready');
  return ready?.route as string;
}

async function personAt(origin: string | undefined, name: string): Promise<Person> {
  return workplace.signIn(origin as string, name);
}

/** The ids of the gifts that somebody saw, in order. */
async function giftsSeenBy(person: Person): Promise<string[]> {
  const room = await person.enter(ROOM);
  const gifts: string[] = [];
  room.on('gift', ({ id }) => gifts.push(id));
  return gifts;
}

describe.skipIf(!hasRedisServer)('several gateways and broadcast nodes', () => {
  it('are one place for people: rooms, online lists, private messages', async () => {
    const [first, second] = await startCluster();
    const [ann, bob] = [await personAt(first, 'Ann'), await personAt(second, 'Bob')];
    const [annGifts, bobGifts] = [await giftsSeenBy(ann), await giftsSeenBy(bob)];
    const { id } = await ann.client.call('gift.send', { room: ROOM, gift: 'rocket' }, { key: randomUUID() });
    await vi.waitFor(() => expect([annGifts, bobGifts]).toEqual([[id], [id]]), WAIT);
    await vi.waitFor(async () => {
      const { members } = await bob.client.call('room.members', { room: ROOM });
      expect(members.map(({ name }) => name).sort()).toEqual(['Ann', 'Bob']);
    }, WAIT);
    await ann.client.call('conversation.send', { to: bob.user, text: 'hello over there' }, { key: randomUUID() });
    await vi.waitFor(() => expect(bob.messages.map(({ text }) => text)).toEqual(['hello over there']), WAIT);
  });

  it('lose no gift and show none twice when a node, a gateway and Redis are killed', async () => {
    const [first, second] = await startCluster();
    const [ann, bob] = [await personAt(first, 'Ann'), await personAt(second, 'Bob')];
    const [annGifts, bobGifts] = [await giftsSeenBy(ann), await giftsSeenBy(bob)];
    const sent: string[] = [];
    const send = async (): Promise<void> => {
      const key = randomUUID();
      await vi.waitFor(async () => {
        const { id } = await ann.client.call('gift.send', { room: ROOM, gift: 'rose' }, { key });
        sent.push(id);
      }, WAIT);
    };
    const back = (child: string): Promise<void> => vi.waitFor(() => expect(up.pids(child).length).toBe(2), WAIT);
    for (const child of ['node-1', 'node-2', 'gateway-2']) {
      for (let count = 0; count < 5; count += 1) await send();
      process.kill(up.pids(child).at(-1) as number, 'SIGKILL');
      for (let count = 0; count < 5; count += 1) await send();
      await back(child);
    }
    await redis.kill();
    await redis.restart();
    await vi.waitFor(() => expect(bob.client.state).toMatchObject({ status: 'connected' }), WAIT);
    for (let count = 0; count < 5; count += 1) await send();
    await vi.waitFor(() => expect([annGifts.length, bobGifts.length]).toEqual([sent.length, sent.length]), WAIT);
    expect(annGifts).toEqual(sent);
    expect(bobGifts).toEqual(sent);
  });

  it('grow while they run, lead clients to gateways, and go on when all node managers are dead', async () => {
    const [first, second] = await startCluster('--managers', '2', '--manager-port', '0');
    await vi.waitFor(async () => {
      const { addresses } = (await (await fetch(routeOf('manager-1'))).json()) as { addresses: string[] };
      expect(addresses.sort()).toEqual([first, second].map((origin) => `${origin?.replace('http', 'ws')}/im`).sort());
    }, WAIT);
    const token = (await readFile(path.join(folder, '.im/admin-token'), 'utf8')).trim();
    const asOperator = { headers: { authorization: `Bearer ${token}` } };
    const nodes = await fetch(routeOf('manager-2').replace('route', 'nodes'), asOperator);
    const { nodes: statuses } = (await nodes.json()) as { nodes: { node: { role: string } }[] };
    expect(statuses.map(({ node }) => node.role).sort()).toEqual([
      'broadcast',
      'broadcast',
      'broker',
      'gateway',
      'gateway',
      'worker',
    ]);
    const rpc = path.join(folder, '.im/rpc');
    const args = ['broadcast-node', '--json', '--listen', `node-3@ipc://${rpc}/node-3`];
    const managers = ['manager-1', 'manager-2'].map((name) => `ipc://${rpc}/${name}`).join(',');
    workplace.run(new ImProcess([...args, '--manager', managers], folder, { IM_REDIS: redis.url }));
    const reached = (): number =>
      up.log.filter(({ message, node }) => message === 'a broadcast node is in reach' && node === 'node-3').length;
    // Both gateways and the worker.
    await vi.waitFor(() => expect(reached(), up.output).toBe(3), WAIT);
    const signal = (name: NodeJS.Signals): void => {
      for (const manager of ['manager-1', 'manager-2']) process.kill(up.pids(manager).at(-1) as number, name);
    };
    signal('SIGSTOP');
    for (const origin of [first, second]) {
      await vi.waitFor(async () => {
        const figures = await fetch(`${origin}/metrics`, asOperator);
        expect(await figures.text()).toMatch(/^im_cluster_managers 0$/m);
      }, WAIT);
    }
    const [ann, bob] = [await personAt(first, 'Ann'), await personAt(second, 'Bob')];
    const [annGifts, bobGifts] = [await giftsSeenBy(ann), await giftsSeenBy(bob)];
    const sent: string[] = [];
    for (let count = 0; count < 5; count += 1) {
      const { id } = await ann.client.call('gift.send', { room: ROOM, gift: 'rose' }, { key: randomUUID() });
      sent.push(id);
    }
    await vi.waitFor(() => expect([annGifts, bobGifts]).toEqual([sent, sent]), WAIT);
    signal('SIGCONT');
  });

  it('refuse several of what only one process can have, and name the flag', async () => {
    const args = ['up', '--gateways', '2', '--broadcast-nodes', '2'];
    const { code, output } = await new ImProcess(args, await workplace.folder()).finished();
    expect(code).toBe(78);
    expect(output).toContain('--gateways');
    expect(output).toContain('--broadcast-nodes');
    expect(output).toContain('--redis');
  });
});
