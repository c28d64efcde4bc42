import { silentLogger } from '@im/protocol/ports';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Broadcast } from '../broadcast.js';
import { describeOnServer } from '../pubsub/fixtures/server-suite.js';
import { FakeSequencer } from '../testing/fake-sequencer.js';
import { subscribeRecording } from '../testing/recording-subscriber.js';
import { createRedisBroadcast } from './redis-broadcast.js';
import { slotOf } from './slots.js';

describe.skipIf(!hasRedisServer)('Redis broadcast', () => {
  describeOnServer({
    name: 'Redis',
    start: () => startRedisServer(),
    open: (redis, options) => createRedisBroadcast({ redis, ...options }),
  });

  describeOnServer({
    name: 'Redis Cluster',
    start: () => startRedisServer({ cluster: true }),
    open: (redis, options) => createRedisBroadcast({ redis: [redis], ...options }),
  });

  describe('on a Cluster of two masters', () => {
    let servers: RedisServer[] = [];
    let broadcast: Broadcast | undefined;
    const LATER = { timeout: 30_000, interval: 100 };

    /** The first has the lower half of the slots, the second the upper. */
    async function formCluster(): Promise<readonly [RedisServer, RedisServer]> {
      const [lower, upper] = [
        await startRedisServer({ cluster: true }),
        await startRedisServer({ cluster: true }),
      ] as const;
      servers = [lower, upper];
      await lower.command('CLUSTER', 'DELSLOTSRANGE', '8192', '16383');
      await upper.command('CLUSTER', 'DELSLOTSRANGE', '0', '8191');
      const [busPort = ''] = /\d+(?=\r\n$)/.exec(await upper.command('CONFIG', 'GET', 'cluster-port')) ?? [];
      await lower.command('CLUSTER', 'MEET', '127.0.0.1', `${upper.port}`, busPort);
      await vi.waitFor(async () => {
        for (const [server, other] of [servers, [upper, lower]]) {
          expect(await server?.command('CLUSTER', 'INFO')).toContain('cluster_state:ok');
          expect(await server?.command('CLUSTER', 'SLOTS')).toContain(`:${other?.port}\r\n`);
        }
      }, LATER);
      return [lower, upper];
    }

    afterEach(async () => {
      await broadcast?.close();
      await Promise.all(servers.map((server) => server.stop()));
    });

    it('shares channels out by slot, and follows a slot that moves', async () => {
      const [lower, upper] = await formCluster();
      broadcast = await createRedisBroadcast({ redis: [lower.url, upper.url], sequencer: new FakeSequencer() });
      const groups = Array.from({ length: 40 }, (_, index) => `r:${index}`);
      let restored = 0;
      broadcast.createSubscriber({ onDelivery: () => {}, onRestored: () => void restored++ });
      const subscriber = await subscribeRecording(broadcast, ...groups);
      const publisher = broadcast.createPublisher();
      const publish = async (lane: 'normal' | 'priority') => {
        const body = new TextEncoder().encode('x');
        const { failed } = await publisher.publishMany(groups, { lane, event: 'chat', body, time: 1 });
        expect(failed.size).toBe(0);
      };
      await publish('normal');
      await publish('priority');
      await vi.waitFor(() => expect(subscriber.deliveries).toHaveLength(80));
      for (const server of servers) expect(await server.command('PUBSUB', 'SHARDCHANNELS')).toContain('im:r:');

      const slot = slotOf('im:r:0.n');
      const [from, to] = slot < 8_192 ? [lower, upper] : [upper, lower];
      const id = /\r\n(\w+)\r\n/.exec(await to.command('CLUSTER', 'MYID'))?.[1] ?? '';
      for (const server of [to, from]) await server.command('CLUSTER', 'SETSLOT', `${slot}`, 'NODE', id);
      await vi.waitFor(() => expect(restored).toBeGreaterThan(0), LATER);
      await subscriber.settled();
      // The publishing connection learns of the move by what it sends: that is told by the head of the log.
      await publish('priority');
      await vi.waitFor(() => {
        const heads = subscriber.heads.filter(({ group }) => group === 'r:0').map(({ position }) => position.version);
        expect([...subscriber.versions('r:0'), ...heads]).toContain(2);
      }, LATER);
      await vi.waitFor(() => publish('priority'), LATER);
      await vi.waitFor(() => expect(subscriber.versions('r:0').at(-1)).toBeGreaterThan(2));
      expect(await to.command('PUBSUB', 'SHARDCHANNELS')).toContain('im:r:0.n');
    }, 60_000);
  });

  describe('on a server of its own', () => {
    let server: RedisServer;
    let broadcast: Broadcast | undefined;
    const sequencer = new FakeSequencer();

    afterEach(async () => {
      await broadcast?.close();
      broadcast = undefined;
      await server.stop();
    });

    it('takes the password of its address, and says in one line that a wrong one was refused', async () => {
      server = await startRedisServer({ password: 'open sesame' });
      broadcast = await createRedisBroadcast({ redis: server.url, sequencer });
      for (const address of [server.url.replace('sesame', 'barley'), `redis://127.0.0.1:${server.port}`]) {
        await expect(createRedisBroadcast({ redis: address, sequencer })).rejects.toMatchObject({
          name: 'CONFIG_INVALID',
          message: `Redis at 127.0.0.1:${server.port} refused the user name or password`,
        });
      }
    });

    it('passes over bytes of others on its channels', async () => {
      server = await startRedisServer();
      const warn = vi.fn();
      broadcast = await createRedisBroadcast({ redis: server.url, sequencer, logger: { ...silentLogger, warn } });
      const subscriber = await subscribeRecording(broadcast, 'r:1');
      await server.command('PUBLISH', 'im:r:1._', 'hello');
      await server.command('PUBLISH', 'im:r:1.n', '');
      await broadcast.createPublisher().publish('r:1', {
        lane: 'normal',
        event: 'chat',
        body: new TextEncoder().encode('real'),
        time: 1,
      });
      await vi.waitFor(() => expect(subscriber.texts()).toEqual(['real']));
      expect(warn).toHaveBeenCalledTimes(1);
    });
  });
});
