/** Taking gateways away while people watch: `im drain`. */
import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isAlive, Up } from './im-process.js';
import { Person } from './person.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 30_000, interval: 20 };
const ROOM = '10000';
const VIEWERS = 200;
const SECRET = randomBytes(32).toString('hex');

const workplace = new Workplace();
let redis: RedisServer;
let up: Up;

beforeEach(async () => {
  redis = await startRedisServer();
  const args = ['--gateways', '2', '--workers', '1', '--managers', '1', '--manager-port', '0'];
  up = workplace.run(new Up(args, await workplace.folder(), { IM_REDIS: redis.url, IM_JWT_SECRET: SECRET }));
  await vi.waitFor(() => expect(up.gateways, up.output).toHaveLength(2), WAIT);
});
afterEach(async () => {
  await workplace.clear();
  await redis.stop();
});

function tokenOf(user: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const exp = Math.floor(Date.now() / 1_000) + 3_600;
  const text = `${part({ alg: 'HS256' })}.${part({ sub: user, name: user, exp })}`;
  return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`;
}

/** Somebody in the room, and the gifts seen there. */
async function enter(user: string, origins: readonly string[]) {
  const [first = '', ...others] = origins;
  const person = workplace.keep(Person.withToken(first, user, tokenOf(user), others));
  const room = await person.enter(ROOM);
  const gifts: string[] = [];
  const lost: unknown[] = [];
  room.on('gift', ({ id }) => gifts.push(id));
  room.on('$recovered', ({ recovered, missed }) => recovered || lost.push(missed));
  return { person, gifts, lost };
}

/** A crowd at the first gateway, and somebody at the second who goes on giving until it is told to end. */
async function fill() {
  const origins = up.gateways;
  const giver = await enter('giver', [...origins].reverse());
  const viewers = await Promise.all(Array.from({ length: VIEWERS }, (_, index) => enter(`viewer-${index}`, origins)));
  const sent: string[] = [];
  let isGiving = true;
  const giving = (async () => {
    while (isGiving) {
      const key = randomUUID();
      // People give no more than some a second.
      await vi.waitFor(async () => {
        const { id } = await giver.person.client.call('gift.send', { room: ROOM, gift: 'rose' }, { key });
        sent.push(id);
      }, WAIT);
    }
  })();
  const endGiving = async (): Promise<void> => {
    isGiving = false;
    await giving;
  };
  /** Every viewer has every gift, once and in order, and was told of no loss. */
  const allSeen = async (): Promise<void> => {
    for (const { gifts, lost } of viewers) {
      await vi.waitFor(() => expect(gifts.length).toBeGreaterThanOrEqual(sent.length), WAIT);
      expect([gifts, lost]).toEqual([sent, []]);
    }
  };
  return { viewers, endGiving, allSeen };
}

/** Where node managers send clients now. */
async function route(): Promise<readonly string[]> {
  const ready = up.log.find(({ process: name, message }) => name === 'manager-1' && message === 'ready');
  const response = await fetch(ready?.route as string);
  return ((await response.json()) as { addresses?: string[] }).addresses ?? [];
}

const addressOf = (gateway: number): string => `${up.gateways[gateway]?.replace('http', 'ws')}/im`;
const lines = (output: string) =>
  output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { clients?: number; outcome?: string });

describe.skipIf(!hasRedisServer)('im drain', () => {
  it('moves everybody to the other gateway without a gift lost or seen twice, refuses the last one, and starts it again for updates', async () => {
    await vi.waitFor(async () => expect(await route()).toHaveLength(2), WAIT);
    const { viewers, endGiving, allSeen } = await fill();
    const draining = up.im('drain', 'gateway-1', '--window', '2s', '--json');
    await vi.waitFor(async () => expect(await route()).toEqual([addressOf(1)]), WAIT);
    const { code, output } = await draining;
    expect(code, output).toBe(0);
    const told = lines(output);
    expect(told.at(-1)?.outcome).toBe('gone');
    // How many there are it hears from the node manager, a second late.
    expect(Math.max(...told.map(({ clients = 0 }) => clients))).toBeGreaterThan(0);
    for (const { person } of viewers) {
      await vi.waitFor(() => expect(person.client.state).toMatchObject({ status: 'connected', resumed: true }), WAIT);
    }
    await endGiving();
    await allSeen();
    // It has finished: nobody starts it again.
    const [pid = 0] = up.pids('gateway-1');
    await vi.waitFor(() => expect(isAlive(pid)).toBe(false), WAIT);
    expect(up.pids('gateway-1')).toHaveLength(1);

    const last = await up.im('drain', 'gateway-2', '--window', '0s');
    expect([last.code, last.output]).toEqual([1, expect.stringContaining('is the last gateway')]);

    const scaled = await up.im('scale', 'gateways=2');
    expect(scaled.code, scaled.output).toBe(0);
    expect(up.pids('gateway-1')).toHaveLength(2);
    await vi.waitFor(async () => expect(await route()).toHaveLength(2), WAIT);
    const restarted = await up.im('drain', 'gateway-1', '--window', '500ms', '--restart');
    expect([restarted.code, restarted.output]).toEqual([0, expect.stringContaining('is back')]);
    await vi.waitFor(() => expect(up.pids('gateway-1')).toHaveLength(3), WAIT);
  }, 60_000);

  it('loses nothing either when the gateway is killed meanwhile, and says so', async () => {
    await vi.waitFor(async () => expect(await route()).toHaveLength(2), WAIT);
    const { viewers, endGiving, allSeen } = await fill();
    let moved = 0;
    for (const { person } of viewers) person.client.on('state', ({ code }) => void (code === 4000 && moved++));
    const draining = up.im('drain', 'gateway-1', '--window', '30s');
    await vi.waitFor(() => expect(moved).toBeGreaterThan(5), WAIT);
    process.kill(up.pids('gateway-1')[0] as number, 'SIGKILL');
    const { code, output } = await draining;
    expect([code, output]).toEqual([1, expect.stringContaining('died before it was empty')]);
    expect(moved).toBeLessThan(VIEWERS);
    for (const { person } of viewers)
      await vi.waitFor(() => expect(person.client.state.status).toBe('connected'), WAIT);
    await endGiving();
    await allSeen();
  }, 60_000);

  it('is taken back: the gateway takes clients again', async () => {
    await vi.waitFor(async () => expect(await route()).toHaveLength(2), WAIT);
    const stays = await enter('stays', up.gateways);
    const draining = up.im('drain', 'gateway-1', '--window', '10m');
    await vi.waitFor(async () => expect(await route()).toEqual([addressOf(1)]), WAIT);
    const cancelled = await up.im('drain', 'gateway-1', '--cancel');
    expect(cancelled.code, cancelled.output).toBe(0);
    expect(await draining).toMatchObject({ code: 1, output: expect.stringContaining('is under another order now') });
    await vi.waitFor(async () => expect(await route()).toHaveLength(2), WAIT);
    await enter('comes', up.gateways);
    expect(stays.person.client.state.status).toBe('connected');
  }, 60_000);
});
