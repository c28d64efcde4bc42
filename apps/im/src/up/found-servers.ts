/**
 * Owns: the Redis and the NATS of `im up`: those that are named are tried; those that are not run as processes of its own, or else
 * are those at the usual ports of this host (ADR 13).
 */
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { ImError } from '@im/protocol';
import { ensureSecret } from '@im/runtime';
import { CommandError, namingFlags } from '../command.js';
import { findPorts } from '../supervised-children.js';
import { findProgram } from './program-path.js';
import type { UpChild } from './up-children.js';
import { rpcFolder, type UpConfig } from './up-settings.js';

export interface FoundServers {
  /** Undefined where none is needed. */
  readonly redis: string | undefined;
  readonly nats: string | undefined;
  /** Those that run as processes of this `im up`: everything else needs them. */
  readonly children: readonly UpChild[];
}

/** One of the two. */
interface Kind {
  readonly name: 'redis' | 'nats';
  readonly title: string;
  readonly program: string;
  readonly usualPort: number;
  readonly ready: RegExp;
  readonly arguments: (configurationFile: string) => readonly string[];
  /** Lines of that file. */
  configuration(own: OwnServer): readonly string[];
  url(own: OwnServer): string;
  /** @throws CommandError */
  probe(url: string): Promise<void>;
}

interface OwnServer {
  readonly port: number;
  readonly password: string;
  /** What it keeps is there. */
  readonly folder: string;
}

const HOST = '127.0.0.1';

const REDIS: Kind = {
  name: 'redis',
  title: 'Redis',
  program: 'redis-server',
  usualPort: 6379,
  ready: /Ready to accept connections/,
  arguments: (file) => [file],
  configuration: ({ port, password, folder }) => [
    `bind ${HOST}`,
    `port ${port}`,
    `dir ${quoted(folder)}`,
    `requirepass ${password}`,
    // Flushed each second; a crash of Redis alone loses nothing.
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
  ],
  url: ({ port, password }) => `redis://:${password}@${HOST}:${port}`,
  async probe(url) {
    const { createRedisLogStore } = await import('@im/timeline/redis');
    const store = createRedisLogStore({ url });
    try {
      await store.ready();
    } finally {
      await store.close();
    }
  },
};

const NATS: Kind = {
  name: 'nats',
  title: 'NATS',
  program: 'nats-server',
  usualPort: 4222,
  ready: /Server is ready/,
  arguments: (file) => ['-c', file],
  configuration: ({ port, password }) => [
    `listen: "${HOST}:${port}"`,
    `authorization { user: "im", password: "${password}" }`,
  ],
  url: ({ port, password }) => `nats://im:${password}@${HOST}:${port}`,
  async probe(nats) {
    const { createNatsBroadcast } = await import('@im/broadcast/nats');
    const broadcast = await createNatsBroadcast({ nats, sequencer: { append: nothing, appendMany: nothing } });
    await broadcast.close();
  },
};

/** A probe publishes nothing. */
async function nothing(): Promise<never> {
  throw new ImError('UNAVAILABLE');
}

/** Needs the folder of `im up` for itself. @throws CommandError in one line that names the flag, DataFolderError */
export async function findServers(config: UpConfig, variables: NodeJS.ProcessEnv): Promise<FoundServers> {
  const { engine, redis, nats } = config;
  const children: UpChild[] = [];
  const find = async (kind: Kind, url: string | undefined, isNeeded: boolean): Promise<string | undefined> => {
    if (url !== undefined) {
      await kind.probe(url).catch(namingFlags(`--${kind.name} or IM_${kind.name.toUpperCase()}`));
      return url;
    }
    if (!isNeeded) return undefined;
    const program = await findProgram(kind.program, variables);
    if (program === undefined) return findUsual(kind, engine);
    const own = await ownServer(kind, program, config);
    children.push(own.child);
    return own.url;
  };
  return {
    redis: await find(REDIS, redis, engine !== 'zeromq'),
    nats: await find(NATS, nats, engine === 'nats'),
    children,
  };
}

/** @throws CommandError */
async function findUsual({ name, title, program, usualPort, probe }: Kind, engine: string): Promise<string> {
  const url = `${name}://${HOST}:${usualPort}`;
  try {
    await probe(url);
    return url;
  } catch (cause) {
    const message = `--engine ${engine} needs a ${title}: ${program} is not installed, and at ${HOST}:${usualPort} none can be used (${(cause as Error).message}); name one with --${name} or IM_${name.toUpperCase()}`;
    throw new CommandError(message, undefined, { cause });
  }
}

/** On a free port, with its files in the data folder, for whoever has its password: other users of this host have not. */
async function ownServer(kind: Kind, program: string, config: UpConfig): Promise<{ url: string; child: UpChild }> {
  const folder = path.resolve(config.dataFolder, kind.name);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const password = await ensureSecret(config.dataFolder, `${kind.name}-password`);
  const [port = 0] = await findPorts({ host: HOST, port: 0 });
  const own = { port, password, folder };
  const file = path.join(rpcFolder(config), `${kind.name}.conf`);
  await rm(file, { force: true });
  await writeFile(file, `${kind.configuration(own).join('\n')}\n`, { mode: 0o600 });
  const ready = { by: 'line', line: kind.ready } as const;
  const spec = { name: kind.name, command: program, args: kind.arguments(file), ready };
  return { url: kind.url(own), child: { role: kind.name, address: `${HOST}:${port}`, spec } };
}

/** As Redis reads strings in its configuration. */
function quoted(text: string): string {
  return JSON.stringify(text);
}
