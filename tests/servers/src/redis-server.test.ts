import { afterEach, describe, expect, it } from 'vitest';
import { hasRedisServer, type RedisServer, startRedisServer } from './redis-server.js';

describe.skipIf(!hasRedisServer)('a Redis server for tests', () => {
  let server: RedisServer;
  afterEach(() => server.stop());

  it('keeps everything across a kill when it is persistent', async () => {
    server = await startRedisServer({ persistent: true });
    await server.command('SET', 'key', 'value');
    await server.kill();
    await server.restart();
    expect(await server.command('GET', 'key')).toContain('value');
  });

  it('keeps nothing when it is not', async () => {
    server = await startRedisServer();
    await server.command('SET', 'key', 'value');
    await server.restart();
    expect(await server.command('EXISTS', 'key')).toBe(':0\r\n');
  });

  it('asks for its password', async () => {
    server = await startRedisServer({ password: 'open sesame' });
    expect(await server.command('PING')).toBe('+PONG\r\n');
    expect(server.url).toContain('open%20sesame');
  });

  it('refuses commands over several slots when it is a cluster', async () => {
    server = await startRedisServer({ cluster: true });
    await expect(server.command('MSET', 'a', '1', 'b', '2')).rejects.toThrow('CROSSSLOT');
  });
});
