import { describeOnlineListContract } from '@im/groups/testing';
import { FakeClock } from '@im/protocol/testing';
import { hasRedisServer, type RedisServer, type RedisServerOptions, startRedisServer } from '@im/test-servers';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRedisPresence, type RedisPresence, type RedisPresenceOptions } from './redis-presence.js';

let prefixes = 0;
const opened: RedisPresence[] = [];

async function open(server: RedisServer, options: Partial<RedisPresenceOptions> = {}): Promise<RedisPresence> {
  prefixes += 1;
  const presence = createRedisPresence({ url: server.url, prefix: `p${prefixes}`, gateway: 'gw-1', ...options });
  opened.push(presence);
  await presence.ready();
  return presence;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((presence) => presence.close()));
});

const phone = { session: 's1', device: 'd1', platform: 'ios', sinceMs: 1_000 };
const web = { session: 's2', device: 'd2', platform: 'web', sinceMs: 2_000 };
const ann = { user: 'ann', attributes: { level: 1 }, sinceMs: 1_000 };
const bob = { user: 'bob', attributes: {}, sinceMs: 2_000 };

describe.skipIf(!hasRedisServer)('presence in Redis', () => {
  describe.each<[string, RedisServerOptions]>([
    ['one server', {}],
    ['a Redis Cluster', { cluster: true }],
  ])('on %s', (name, serverOptions) => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedisServer(serverOptions);
    });
    afterAll(() => server.stop());
    const cluster = serverOptions.cluster ?? false;

    describeOnlineListContract(`redis, ${name}`, async () => {
      const presence = await open(server, { cluster });
      return { list: presence.online, settled: () => presence.settled(), close: () => presence.close() };
    });

    it('shows what any gateway entered at every gateway, a user with devices on two of them once', async () => {
      const prefix = `both${cluster}`;
      const one = await open(server, { cluster, prefix, gateway: 'gw-1' });
      const two = await open(server, { cluster, prefix, gateway: 'gw-2' });
      one.online.enter('r:1', 's1', ann);
      one.users.enter('u:ann', phone);
      await one.settled();
      two.online.enter('r:1', 's2', ann);
      two.online.enter('r:1', 's3', bob);
      two.users.enter('u:ann', web);
      await two.settled();
      expect(await one.online.count('r:1')).toBe(2);
      expect((await two.online.page('r:1', { limit: 5 })).members).toEqual([ann, bob]);
      const sessions = [
        { ...phone, gateway: 'gw-1' },
        { ...web, gateway: 'gw-2' },
      ];
      expect(await one.users.sessionsOf('u:ann')).toEqual(sessions);
      expect(await two.users.gateways()).toEqual(['gw-1', 'gw-2']);

      one.online.leave('r:1', 's1');
      one.users.leave('s1');
      await one.settled();
      expect(await two.online.has('r:1', 'ann')).toBe(true);
      expect(await two.users.sessionsOf('u:ann')).toEqual([{ ...web, gateway: 'gw-2' }]);
    });

    it('takes out what a gateway entered when it closes, leaving nothing behind', async () => {
      const prefix = `closing${cluster}`;
      const reader = await open(server, { cluster, prefix, gateway: 'reader' });
      const presence = await open(server, { cluster, prefix });
      for (let i = 0; i < 300; i += 1) {
        presence.online.enter(`r:${i % 100}`, `s${i}`, { ...ann, user: `u${i}` });
        presence.users.enter(`u:u${i}`, { ...phone, session: `s${i}` });
      }
      await presence.settled();
      expect(await reader.online.count('r:7')).toBe(3);
      await presence.close();
      expect(await reader.online.count('r:7')).toBe(0);
      expect(await reader.users.sessionsOf('u:u7')).toEqual([]);
      expect(await server.command('KEYS', `${prefix}:*`)).toBe('*0\r\n');
    });

    it('lets the sessions of a gateway vanish whose lease has ended, and takes them back when it was only slow', async () => {
      const prefix = `dead${cluster}`;
      // A gateway whose heartbeats come too late for its lease, as those of a stopped process.
      const clock = new FakeClock();
      const dead = await open(server, { cluster, prefix, gateway: 'dead', clock, leaseMs: 300 });
      dead.online.enter('r:1', 's1', ann);
      dead.users.enter('u:ann', phone);
      await dead.settled();
      const alive = await open(server, { cluster, prefix, gateway: 'alive', leaseMs: 600 });
      alive.online.enter('r:1', 's2', bob);
      await alive.settled();
      await vi.waitFor(async () => {
        expect(await alive.users.sessionsOf('u:ann')).toEqual([]);
        expect((await alive.online.page('r:1', { limit: 5 })).members).toEqual([bob]);
      }, 10_000);
      expect(await alive.users.gateways()).toEqual(['alive']);

      clock.advance(100);
      await vi.waitFor(async () => {
        expect((await alive.online.page('r:1', { limit: 5 })).members).toEqual([bob, ann]);
        expect(await alive.users.sessionsOf('u:ann')).toHaveLength(1);
      }, 10_000);
    });
  });

  describe('as a server of its own', () => {
    let server: RedisServer;
    afterEach(() => server.stop());

    it('tells everything anew when Redis comes back with nothing', async () => {
      server = await startRedisServer();
      const presence = await open(server);
      presence.online.enter('r:1', 's1', ann);
      presence.online.enter('r:1', 's2', bob);
      await presence.settled();
      await server.kill();
      await vi.waitFor(() => expect(presence.online.count('r:1')).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' }));
      presence.online.leave('r:1', 's1');
      presence.users.enter('u:ann', phone);
      await server.restart();
      await vi.waitFor(async () => {
        expect((await presence.online.page('r:1', { limit: 5 })).members).toEqual([bob]);
        expect(await presence.users.sessionsOf('u:ann')).toHaveLength(1);
      }, 10_000);
    });

    it('says of nobody that he is not there until all have told Redis again whom they have', async () => {
      server = await startRedisServer();
      const [reader, gateway] = [await open(server, { prefix: 'refill' }), await open(server, { prefix: 'refill' })];
      gateway.online.enter('r:1', 's1', ann);
      await gateway.settled();
      expect(await reader.online.has('r:1', 'bob')).toBe(false);
      await server.kill();
      await vi.waitFor(() => expect(reader.online.count('r:1')).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' }));
      await server.restart();
      await vi.waitFor(() => reader.online.count('r:1'), 10_000);
      await expect(reader.online.has('r:1', 'bob')).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
      await vi.waitFor(async () => expect(await reader.online.has('r:1', 'ann')).toBe(true), 10_000);
      await vi.waitFor(async () => expect(await reader.online.has('r:1', 'bob')).toBe(false), 10_000);
    });

    it('is right again after Redis kept everything and the gateway changed meanwhile', async () => {
      server = await startRedisServer({ persistent: true });
      const presence = await open(server, { leaseMs: 300 });
      presence.online.enter('r:1', 's1', ann);
      presence.online.enter('r:1', 's2', bob);
      await presence.settled();
      await server.kill();
      await vi.waitFor(() => expect(presence.online.count('r:1')).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' }));
      presence.online.leave('r:1', 's1');
      await server.restart();
      await vi.waitFor(async () => expect(await presence.online.count('r:1')).toBe(1), 10_000);
      expect(await presence.online.has('r:1', 'bob')).toBe(true);
    });

    it('does not list more sessions than its limit', async () => {
      server = await startRedisServer();
      const presence = await open(server, { maxSessions: 1 });
      presence.online.enter('r:1', 's1', ann);
      presence.online.enter('r:1', 's2', bob);
      await presence.settled();
      expect(await presence.online.count('r:1')).toBe(1);
    });
  });

  it.each(['', 'a b', 'a.b'])('refuses the gateway name %j', (gateway) => {
    expect(() => createRedisPresence({ url: 'redis://localhost', gateway })).toThrow(
      expect.objectContaining({ name: 'CONFIG_INVALID' }),
    );
  });
});
