/** A Redis server of the test's own: the Debian program on free ports of 127.0.0.1, in a temporary folder. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, stat, truncate } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startOnFreePorts } from './free-port.js';
import { ServerProcess, type TestServer } from './server-process.js';

/** When the append-only file is flushed: before an answer, or every second, so that the loss of power takes what was acknowledged. */
export type AppendFsync = 'always' | 'everysec';

export interface RedisServerOptions {
  /** Append-only file: a kill loses nothing that was acknowledged. Default: keeps nothing. */
  readonly persistent?: boolean;
  /** Default always. */
  readonly appendfsync?: AppendFsync;
  readonly password?: string;
  /** A Redis Cluster of this one node, which has all slots: commands over several slots are refused. */
  readonly cluster?: boolean;
}

export interface RedisServer extends TestServer {
  /** One command by its own connection, as `redis-cli` would: `['CONFIG', 'SET', 'maxmemory', '1mb']`. Its raw reply. */
  command(...words: readonly string[]): Promise<string>;
  /** After a kill: cuts the end off the append-only file, as a kill in the middle of a write does. Only of a persistent one. */
  tear(bytes: number): Promise<void>;
}

const PROGRAM = '/usr/bin/redis-server';

/** Tests that need it are skipped by name where it is missing: `describe.skipIf(!hasRedisServer)`. */
export const hasRedisServer = existsSync(PROGRAM);

/** Resolves when it takes connections. Stop it in `afterEach` or `afterAll`. */
export function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  return startOnFreePorts(2, ([port = 0, busPort = 0]) => startOn(port, busPort, options));
}

async function startOn(port: number, busPort: number, options: RedisServerOptions): Promise<RedisServer> {
  const { persistent = false, appendfsync = 'always', password, cluster = false } = options;
  const folder = await mkdtemp(path.join(tmpdir(), 'im-redis-'));
  const args = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  if (persistent) args.push('--appendonly', 'yes', '--appendfsync', appendfsync);
  if (password !== undefined) args.push('--requirepass', password);
  if (cluster) {
    args.push('--cluster-enabled', 'yes', '--cluster-port', `${busPort}`, '--cluster-announce-ip', '127.0.0.1');
  }
  const running = new ServerProcess({ file: PROGRAM, args, folder, ready: /Ready to accept connections/ });
  const { controls } = running;
  const command = (...words: readonly string[]) => send(port, password, words);
  try {
    await running.start();
    if (cluster) {
      await Promise.all([running.says(/Cluster state changed: ok/), command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')]);
    }
  } catch (error) {
    await controls.stop();
    throw error;
  }
  return {
    port,
    url: `redis://${password === undefined ? '' : `:${encodeURIComponent(password)}@`}127.0.0.1:${port}`,
    ...controls,
    command,
    async tear(bytes) {
      const appended = path.join(folder, 'appendonlydir');
      const file = (await readdir(appended)).find((name) => name.endsWith('.incr.aof'));
      if (file === undefined) throw new Error(`no append-only file in ${appended}`);
      const { size } = await stat(path.join(appended, file));
      await truncate(path.join(appended, file), size - bytes);
    },
  };
}

/** The protocol by hand, so that a suite proves its client against something that is not its client. */
async function send(port: number, password: string | undefined, words: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1').setEncoding('utf8');
  const commands = [...(password === undefined ? [] : [['AUTH', password]]), [...words], ['QUIT']];
  for (const each of commands) {
    socket.write(`*${each.length}\r\n${each.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`);
  }
  let reply = '';
  for await (const chunk of socket) reply += chunk;
  if (/^-/m.test(reply)) throw new Error(`redis: ${words[0]}: ${reply.trim()}`);
  return reply.slice(password === undefined ? 0 : reply.indexOf('\r\n') + 2).replace(/\+OK\r\n$/, '');
}
