/** The commands beside a running `im up`: `im status`, `im scale`, `im down`. */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isAlive, Up } from './im-process.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 60_000, interval: 20 };
const ROOM = '10000';
const NOT_RUNNING = 3;

const workplace = new Workplace();
let redis: RedisServer | undefined;
afterEach(async () => {
  await workplace.clear();
  await redis?.stop();
  redis = undefined;
});

async function start(args: readonly string[], variables: Record<string, string> = {}) {
  const folder = await workplace.folder();
  const up = new Up(args, folder, variables);
  const origin = await workplace.open(up);
  const enter = async (name: string, others: readonly string[] = [], first = origin) => {
    const person = await workplace.signIn(first, name, { others });
    const room = await person.enter(ROOM);
    const gifts: string[] = [];
    room.on('gift', ({ id }) => gifts.push(id));
    return { person, gifts };
  };
  return { up, folder, origin, enter };
}

interface Status {
  readonly healthy: boolean;
  readonly problems: readonly string[];
  readonly topology?: { readonly epoch: number; readonly nodes: number };
  readonly processes: readonly {
    readonly name: string;
    readonly role: string;
    readonly state: string;
    readonly pid: number;
    readonly address?: string;
    readonly restarts: number;
    readonly figures: Record<string, number>;
  }[];
}

async function statusOf(up: Up): Promise<{ readonly code: number | null; readonly status: Status }> {
  const { code, output } = await up.im('status', '--json');
  return { code, status: JSON.parse(output) as Status };
}

describe('im status', () => {
  it('shows every process with what it does, and says by its exit code whether all is well', async () => {
    const { up, enter, origin } = await start(['--managers', '1', '--manager-port', '0', '--workers', '1']);
    await enter('Ann');
    // The last heartbeats come within a second.
    const { status } = await vi.waitFor(async () => {
      const told = await statusOf(up);
      expect([told.code, told.status.problems]).toEqual([0, []]);
      expect(told.status.topology?.nodes).toBe(4);
      return told;
    }, WAIT);
    expect(status).toMatchObject({ healthy: true, engine: 'zeromq', pid: up.child.pid });
    const names = ['manager-1', 'broker-1', 'node-1', 'worker-1', 'gateway-1'];
    expect(status.processes.map(({ name }) => name)).toEqual(names);
    for (const { name, state, pid, restarts, figures } of status.processes) {
      expect([name, state, pid, restarts]).toEqual([name, 'running', up.pids(name)[0], 0]);
      expect(figures.memoryBytes).toBeGreaterThan(1e7);
    }
    const gateway = status.processes.at(-1);
    expect(gateway).toMatchObject({ role: 'gateway', address: origin, figures: { connections: 1 } });
    const { output } = await up.im('status');
    expect(output).toMatch(/^im up, process \d+, up .*; engine zeromq; topology \d+, 4 nodes; all is well$/m);
    expect(output).toMatch(/^gateway-1 +running +\d+ .* http:\S+ +1 connections/m);
  });

  it('names what is not well: a process that hangs, one that was killed', async () => {
    const { up } = await start(['--workers', '1']);
    const [worker] = up.pids('worker-1') as [number];
    process.kill(worker, 'SIGSTOP');
    const hanging = await statusOf(up);
    expect([hanging.code, hanging.status.problems]).toEqual([1, ['worker-1 does not answer']]);
    process.kill(worker, 'SIGKILL');
    await vi.waitFor(async () => {
      const { code, status } = await statusOf(up);
      expect([code, status.processes.find(({ name }) => name === 'worker-1')?.restarts]).toEqual([0, 1]);
    }, WAIT);
  });
});

describe('im down', () => {
  it('stops everything in order, waits for its end, and leaves nothing', async () => {
    const { up, folder } = await start(['--workers', '1']);
    const pids = ['broker-1', 'node-1', 'worker-1', 'gateway-1'].map((name) => up.pids(name)[0] as number);
    const { code, output } = await up.im('down');
    expect([code, output]).toEqual([0, 'stopping gateway-1, worker-1, node-1, broker-1\nstopped\n']);
    expect(pids.filter(isAlive)).toEqual([]);
    expect((await up.finished()).code).toBe(0);
    expect(existsSync(path.join(folder, '.im/rpc/up.json'))).toBe(false);
    for (const command of ['status', 'down', 'update']) {
      expect((await up.im(command)).code).toBe(NOT_RUNNING);
    }
  });
});

describe('im scale', () => {
  it('refuses in one line what cannot be, and nothing has changed then', async () => {
    const { up } = await start(['--workers', '1']);
    const refusals: [string, string][] = [
      ['gateways=2', '--redis'],
      ['broadcast-nodes=2', '--redis'],
      ['brokers=2', 'brokers cannot be scaled; gateways, broadcast-nodes, workers can'],
      ['workers=0', 'workers=0 is out of its range'],
      ['workers', 'role=number'],
    ];
    for (const [counts, line] of refusals) {
      const { code, output } = await up.im('scale', counts);
      expect([code === 0, output]).toEqual([false, expect.stringContaining(line)]);
    }
    const { status } = await statusOf(up);
    expect(status.processes.map(({ name }) => name)).toEqual(['broker-1', 'node-1', 'worker-1', 'gateway-1']);
  });

  it.skipIf(!hasRedisServer)(
    'grows and shrinks under load: each gift comes once, in order, to everybody',
    async () => {
      redis = await startRedisServer({ persistent: true });
      const counts = ['--workers', '1', '--managers', '1', '--manager-port', '0', '--drain-seconds', '1'];
      const { up, enter, origin } = await start(counts, { IM_REDIS: redis.url });
      const ann = await enter('Ann');
      const sent: string[] = [];
      let isOn = true;
      const giving = (async () => {
        while (isOn) {
          const key = randomUUID();
          await vi.waitFor(async () => {
            const { id } = await ann.person.client.call('gift.send', { room: ROOM, gift: 'rose' }, { key });
            sent.push(id);
          }, WAIT);
        }
      })();
      const scale = async (...args: string[]) => {
        const { code, output } = await up.im('scale', ...args);
        expect([code, output]).toEqual([0, expect.any(String)]);
        return output;
      };
      expect(await scale('gateways=2', 'broadcast-nodes=2', 'workers=3')).toContain('gateway-2 is ready\n');
      const second = (await statusOf(up)).status.processes.find(({ name }) => name === 'gateway-2')?.address as string;
      // What they missed of the room they do not see; what comes from now on, all of it.
      const bob = await enter('Bob', [origin], second);
      const begin = sent.length;
      await vi.waitFor(() => expect(sent.length).toBeGreaterThan(begin + 20), WAIT);
      // The node has groups by then: those who publish there turn to the other one before it ends.
      const output = await scale('gateways=1', 'broadcast-nodes=1', 'workers=1', '--json');
      expect(JSON.parse(output.trimEnd().split('\n').at(-1) as string)).toEqual({
        scaled: true,
        message: 'gateways=1 broadcast-nodes=1 workers=1',
        counts: { gateways: 1, 'broadcast-nodes': 1, workers: 1 },
      });
      const names = ['manager-1', 'broker-1', 'node-1', 'worker-1', 'gateway-1'];
      expect((await statusOf(up)).status.processes.map(({ name }) => name)).toEqual(names);
      await vi.waitFor(() => expect(bob.person.client.state).toMatchObject({ status: 'connected' }), WAIT);
      const end = sent.length;
      await vi.waitFor(() => expect(sent.length).toBeGreaterThan(end + 10), WAIT);
      isOn = false;
      await giving;
      await vi.waitFor(() => expect(ann.gifts.length).toBe(sent.length), WAIT);
      expect(ann.gifts).toEqual(sent);
      await vi.waitFor(() => expect(bob.gifts.at(-1)).toBe(sent.at(-1)), WAIT);
      const first = sent.indexOf(bob.gifts[0] as string);
      expect(first).toBeGreaterThanOrEqual(0);
      expect(bob.gifts).toEqual(sent.slice(first));
      expect(['gateway-2', 'node-2', 'worker-2', 'worker-3'].flatMap((name) => up.pids(name)).filter(isAlive)).toEqual(
        [],
      );
    },
    120_000,
  );
});
