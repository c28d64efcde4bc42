import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { connectRedis, type RedisConnection, type RedisConnectionOptions } from './redis-connection.js';
import { RedisScript } from './redis-script.js';

const opened: RedisConnection[] = [];

function connect(url: string, options: Partial<RedisConnectionOptions> = {}): RedisConnection {
  const connection = connectRedis({ url, name: 'test', ...options });
  opened.push(connection);
  return connection;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((connection) => connection.close()));
});

const ECHO = new RedisScript('return ARGV[1]');

describe.skipIf(!hasRedisServer)('a connection to Redis', () => {
  let server: RedisServer;
  afterEach(() => server?.stop());

  it('runs a script that the server does not know, and again when the server forgot it', async () => {
    server = await startRedisServer();
    const redis = connect(server.url);
    await redis.ready();
    expect(await redis.run(ECHO, [], [Buffer.from([0, 255])])).toEqual(Buffer.from([0, 255]));
    await server.command('SCRIPT', 'FLUSH');
    expect(await redis.run(ECHO, [], ['again'])).toEqual(Buffer.from('again'));
  });

  it('is not available before it was prepared, and is prepared on each new connection', async () => {
    server = await startRedisServer();
    let prepared = 0;
    const redis = connect(server.url, {
      prepare: async (connection) => {
        expect(connection.available).toBe(false);
        expect(await connection.ask('PING')).toEqual(['PONG']);
        prepared += 1;
      },
    });
    await redis.ready();
    expect(prepared).toBe(1);
    await server.restart();
    await vi.waitFor(() => expect([prepared, redis.available]).toEqual([2, true]), 10_000);
  });

  it('makes the connection anew when preparing fails', async () => {
    server = await startRedisServer();
    let attempts = 0;
    const redis = connect(server.url, {
      prepare: async () => {
        attempts += 1;
        if (attempts === 1) throw new Error('not now');
      },
    });
    await expect(redis.ready()).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    await vi.waitFor(() => expect(redis.available).toBe(true), 10_000);
  });

  it('tells of being away and back, once each in the log, and counts it', async () => {
    server = await startRedisServer();
    const [logger, metrics] = [new RecordingLogger(), new RecordingMetrics()];
    const redis = connect(server.url, { logger, metrics });
    await redis.ready();
    expect(metrics.value('im_redis_available', { client: 'test' })).toBe(1);
    await server.kill();
    await vi.waitFor(() => expect(redis.available).toBe(false), 10_000);
    await expect(redis.run(ECHO, [], ['x'])).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    await vi.waitFor(() => expect(JSON.stringify(logger.records)).toContain('ECONNREFUSED'), 10_000);
    await server.restart();
    await vi.waitFor(() => expect(redis.available).toBe(true), 10_000);
    expect(logger.records.map(({ message }) => message)).toEqual(['Redis is away', 'Redis is away', 'Redis is back']);
    expect(metrics.value('im_redis_losses_total', { client: 'test' })).toBe(1);
  });

  it('notices a server that hangs although nobody calls', async () => {
    server = await startRedisServer();
    const redis = connect(server.url, { timeoutMs: 200 });
    await redis.ready();
    server.pause();
    await vi.waitFor(() => expect(redis.available).toBe(false), 10_000);
    server.resume();
    await vi.waitFor(() => expect(redis.available).toBe(true), 10_000);
  });

  it('answers CLOSED afterwards, and to those who waited for it', async () => {
    server = await startRedisServer();
    const redis = connect(server.url);
    const waiting = redis.ready();
    const refused = expect(waiting).rejects.toMatchObject({ name: 'CLOSED' });
    await redis.close();
    await refused;
    await expect(redis.run(ECHO, [], ['x'])).rejects.toMatchObject({ name: 'CLOSED' });
    await redis.close();
  });

  it('asks for a password that was not given', async () => {
    server = await startRedisServer({ password: 'open sesame' });
    await expect(connect(server.url.replace(/:[^@/]*@/, '')).ready()).rejects.toMatchObject({ name: 'CONFIG_INVALID' });
    await connect(server.url).ready();
  });

  it('says in bounded time that a server answers nothing, or no Redis', async () => {
    const mute = createServer((socket) => void socket.resume());
    const foreign = createServer((socket) => void socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    for (const each of [mute, foreign]) await new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve));
    for (const each of [mute, foreign]) {
      const redis = connect(`redis://127.0.0.1:${(each.address() as AddressInfo).port}`, { timeoutMs: 200 });
      await expect(redis.ready()).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
      await redis.close();
      await new Promise((resolve) => each.close(resolve));
    }
  });
});
