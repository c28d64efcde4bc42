/** `im up` with Redis or NATS in place of broadcast nodes. */
import { randomUUID } from 'node:crypto';
import { hasNatsServer, hasRedisServer, type RedisServer, startNatsServer, startRedisServer } from '@im/test-servers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ImProcess, isAlive, Up } from './im-process.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 30_000, interval: 20 };
const ROOM = '10000';

const workplace = new Workplace();
const servers: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await workplace.clear();
  for (const server of servers.splice(0)) await server.stop();
});

async function stopLater<Server extends { stop(): Promise<void> }>(starting: Promise<Server>): Promise<Server> {
  const server = await starting;
  servers.push(server);
  return server;
}

/** Two gateways, with somebody in the room at each. */
async function start(args: readonly string[], variables: Record<string, string> = {}) {
  const up = new Up(['--gateways', '2', '--workers', '2', ...args], await workplace.folder(), variables);
  workplace.run(up);
  await vi.waitFor(() => expect(up.gateways, up.output).toHaveLength(2), WAIT);
  const enter = async (gateway: number, name: string) => {
    const person = await workplace.signIn(up.gateways[gateway] as string, name);
    const room = await person.enter(ROOM);
    const seen = { chats: [] as string[], gifts: [] as string[] };
    room.on('chat', ({ text }) => seen.chats.push(text));
    room.on('gift', ({ id }) => seen.gifts.push(id));
    return { person, ...seen };
  };
  const [ann, bob] = [await enter(0, 'Ann'), await enter(1, 'Bob')];
  const sent: string[] = [];
  const give = async (count: number): Promise<void> => {
    for (let gift = 0; gift < count; gift += 1) {
      const key = randomUUID();
      await vi.waitFor(async () => {
        const { id } = await ann.person.client.call('gift.send', { room: ROOM, gift: 'rose' }, { key });
        sent.push(id);
      }, WAIT);
    }
  };
  const seenInOrder = (): Promise<void> => vi.waitFor(() => expect([ann.gifts, bob.gifts]).toEqual([sent, sent]), WAIT);
  return { up, ann, bob, give, seenInOrder };
}

describe.skipIf(!hasRedisServer || !hasNatsServer).each(['redis', 'nats'])('im up --engine %s', (engine) => {
  it('starts the servers that it was not given, has no broadcast nodes, and leaves nothing behind', async () => {
    const { up, ann, bob, give, seenInOrder } = await start(['--engine', engine]);
    await give(20);
    await seenInOrder();
    await ann.person.client.call('chat.send', { room: ROOM, text: '你好' });
    await vi.waitFor(() => expect([ann.chats, bob.chats]).toEqual([['你好'], ['你好']]), WAIT);
    const text = 'only for you';
    await ann.person.client.call('conversation.send', { to: bob.person.user, text }, { key: randomUUID() });
    await vi.waitFor(() => expect(bob.person.messages).toMatchObject([{ text }]), WAIT);
    const names = ['redis', ...(engine === 'nats' ? ['nats'] : []), 'broker-1', 'worker-1', 'worker-2', 'gateway-2'];
    const pids = names.map((name) => up.pids(name)[0] as number);
    expect(pids.filter(isAlive)).toEqual(pids);
    expect(up.pids('node-1')).toEqual([]);
    const { code, output } = await up.signal('SIGTERM');
    expect([code, pids.filter(isAlive)]).toEqual([0, []]);
    // A log of JSON lines has no others, whatever the programs of others print.
    expect(output.split('\n').filter((line) => line !== '' && !line.startsWith('{'))).toEqual([]);
  });

  it('loses no gift, and shows none twice, while the servers are killed and come back', async () => {
    const redis: RedisServer = await stopLater(startRedisServer({ persistent: true, password: 'of/redis' }));
    const nats = await stopLater(startNatsServer({ user: 'im', password: 'of/nats' }));
    const args = ['--engine', engine, '--redis', redis.url, ...(engine === 'nats' ? ['--nats', nats.url] : [])];
    const { give, seenInOrder } = await start(args);
    await give(5);
    await seenInOrder();
    for (const server of engine === 'nats' ? [redis, nats] : [redis]) {
      await server.kill();
      // The calls wait for it, or are made again.
      const given = give(5);
      await server.restart();
      await given;
      await seenInOrder();
    }
  });
});

describe.skipIf(!hasRedisServer)('im up with logs in Redis', () => {
  it('shows no gift twice after a Redis that flushes once a second was killed', async () => {
    const redis = await stopLater(startRedisServer({ persistent: true, appendfsync: 'everysec' }));
    const { give, seenInOrder } = await start(['--redis', redis.url]);
    await give(10);
    await seenInOrder();
    await redis.kill();
    await redis.restart();
    // What comes under the new epoch is behind what was seen under the old one.
    await give(3);
    await seenInOrder();
  });
});

describe('im up', () => {
  const [MISTAKE, AWAY] = [78, 69];
  const refusal = async (args: readonly string[], variables: Record<string, string> = {}, exitCode = MISTAKE) => {
    const up = new ImProcess(['up', '--port', '0', ...args], await workplace.folder(), variables);
    const { code, output } = await workplace.run(up).finished();
    expect([code, output.trimEnd()]).toEqual([
      exitCode,
      expect.stringMatching(/^im up: [^\n]+(\n {2}\w+: .+\nTry: .+)?$/),
    ]);
    return output;
  };

  it.each([
    [['--engine', 'kafka'], {}, 'expected one of zeromq, redis, nats'],
    [['--engine', 'redis', '--broadcast-nodes', '2'], {}, '--broadcast-nodes'],
    [['--nats', 'nats://127.0.0.1:1'], {}, '--engine nats'],
    [
      ['--engine', 'redis', '--redis', 'redis://127.0.0.1:1'],
      {},
      'ECONNREFUSED 127.0.0.1:1 (--redis or IM_REDIS)',
      AWAY,
    ],
    [['--engine', 'redis'], { IM_REDIS: 'http://secret@a' }, 'redis: expected redis://host:port'],
    [['--redis', 'redis://127.0.0.1:1/rooms'], {}, '(--redis or IM_REDIS)'],
    [['--engine', 'nats', '--nats', 'nats://127.0.0.1:1'], {}, 'CONNECTION_REFUSED (--nats or IM_NATS)', AWAY],
  ])('says in one line what is wrong with %j %j', async (args, variables, line, exitCode = MISTAKE) => {
    const output = await refusal(args, variables, exitCode);
    expect(output).toContain(line);
    expect(output).not.toContain('secret');
  });

  it.skipIf(!hasRedisServer || !hasNatsServer)('names the setting when a server refuses the password', async () => {
    const redis = await stopLater(startRedisServer({ password: 'right' }));
    const nats = await stopLater(startNatsServer({ user: 'im', password: 'right' }));
    const wrong = { IM_REDIS: redis.url.replace('right', 'wr0ng'), IM_NATS: nats.url.replace('right', 'wr0ng') };
    const ofRedis = await refusal(['--engine', 'redis'], { IM_REDIS: wrong.IM_REDIS });
    expect(ofRedis).toMatch(/refused user or password.*\(--redis or IM_REDIS\)/);
    const ofNats = await refusal(['--engine', 'nats'], { IM_REDIS: redis.url, IM_NATS: wrong.IM_NATS });
    expect(ofNats).toMatch(/refused the user name or password.*\(--nats or IM_NATS\)/);
    expect(ofRedis + ofNats).not.toContain('wr0ng');
  });
});
