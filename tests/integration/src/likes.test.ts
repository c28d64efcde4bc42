/** Likes of many people at once, from backends and from apps: few pushes, of an exact total, whichever way they took. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { hasRedisServer, startRedisServer } from '@im/test-servers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Supervised, Up } from './im-process.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 30_000, interval: 20 };
const ROOM = '10000';
/** Signing in is limited to so many at once. */
const PEOPLE = 16;
const CALLS = 10;
const PUSHES = 340;

const workplace = new Workplace();
const servers: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await workplace.clear();
  for (const server of servers.splice(0)) await server.stop();
});

/** What runs, and where its gateways are once they are there. */
interface System {
  readonly output: string;
  readonly origins: readonly string[];
}

async function inOneProcess(folder: string): Promise<System> {
  const server = workplace.run(new Supervised([], folder));
  return {
    get output() {
      return server.output;
    },
    get origins() {
      return server.origin === undefined ? [] : [server.origin];
    },
  };
}

async function atTwoGateways(folder: string): Promise<System> {
  const redis = await startRedisServer();
  servers.push(redis);
  const up = workplace.run(new Up(['--gateways', '2', '--workers', '1', '--redis', redis.url], folder));
  return {
    get output() {
      return up.output;
    },
    get origins() {
      return up.gateways;
    },
  };
}

const systems: [name: string, start: (folder: string) => Promise<System>][] = [['in one process', inOneProcess]];
if (hasRedisServer) systems.push(['over ZeroMQ, at two gateways', atTwoGateways]);

async function enter(origin: string, name: string) {
  const person = await workplace.signIn(origin, name);
  const room = await person.enter(ROOM);
  const seen = { pushes: 0, conflated: 0, total: 0, keys: new Set<string | undefined>() };
  room.on('like', (_, { sum, conflated = 0, key }) => {
    seen.pushes += 1;
    seen.conflated += conflated;
    seen.total += sum ?? Number.NaN;
    seen.keys.add(key);
  });
  const shed: object[] = [];
  room.on('$shed', (told) => shed.push(told));
  return { person, seen, shed };
}

describe.each(systems)('likes %s', (_, start) => {
  it('of many people reach everybody as few pushes with their exact total, each message id once', async () => {
    const folder = await workplace.folder();
    const system = await start(folder);
    await vi.waitFor(() => expect(system.origins, system.output).not.toHaveLength(0), WAIT);
    const { origins } = system;
    const originOf = (index: number): string => origins[index % origins.length] as string;
    const crowd = await Promise.all(
      Array.from({ length: PEOPLE }, (__, index) => enter(originOf(index), `Fan ${index}`)),
    );
    const token = (await readFile(path.join(folder, '.im/push-token'), 'utf8')).trim();
    const batch = Array.from({ length: PUSHES }, (__, index) => ({
      ...{ to: { room: ROOM }, event: 'like', id: `like-${index}` },
      conflate: { mode: 'sum', key: 'like', amount: 1 + (index % 3) },
    }));
    const push = async (): Promise<void> => {
      const response = await fetch(`${originOf(0)}/v1/push`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify(batch),
      });
      const answers = (await response.json()) as object[];
      for (const answer of answers) expect(answer).toEqual({ published: [{ group: `r:${ROOM}` }], failed: {} });
    };
    const calls = crowd.flatMap(({ person }) =>
      Array.from({ length: CALLS }, () =>
        person.client.call('room.like', { room: ROOM, count: 3 }, { key: randomUUID() }),
      ),
    );
    await Promise.all([...calls, push()]);
    // As a backend does that got no answer.
    await push();
    const messages = PEOPLE * CALLS + 2 * PUSHES;
    const total = PEOPLE * CALLS * 3 + batch.reduce((sum, { conflate }) => sum + conflate.amount, 0);
    for (const { seen, shed } of crowd) {
      await vi.waitFor(() => expect(seen.pushes + seen.conflated).toBe(messages), WAIT);
      expect([seen.total, [...seen.keys], shed]).toEqual([total, ['like'], []]);
      expect(seen.pushes).toBeLessThan(messages / 5);
    }
  });
});
