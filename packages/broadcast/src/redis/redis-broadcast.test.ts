import { silentLogger } from '@im/protocol/ports';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Broadcast } from '../broadcast.js';
import { describeOnServer } from '../bus/fixtures/server-suite.js';
import { FakeSequencer } from '../testing/fake-sequencer.js';
import { subscribeRecording } from '../testing/recording-subscriber.js';
import { createRedisBroadcast } from './redis-broadcast.js';

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
