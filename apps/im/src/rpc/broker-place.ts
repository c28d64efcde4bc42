/** Owns: where brokers are and with which keys they are reached: the settings that all who speak to brokers share. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { BrokerAddress, CurveClientKeys } from '@im/rpc/zeromq';
import { type Config, type Logger, type Settings, setting, systemClock } from '@im/runtime';
import { z } from 'zod';
import { CommandError } from '../command.js';
import { brokerAddress, portsOf } from './broker-address.js';

/** Where callers and workers find brokers. */
export interface BrokerPlace {
  readonly brokers: readonly BrokerAddress[];
  readonly keys?: CurveClientKeys | undefined;
}

export const keysFolder = setting(z.string().min(1).optional(), {
  description: 'folder with the keys that `im keys` made: everything between processes is encrypted',
  flag: 'keys',
  placeholder: 'folder',
});

export const brokerSettings = {
  broker: setting(z.array(brokerAddress).default([]), {
    description: 'where the brokers are; default: those of `im up` on this data folder',
    placeholder: 'addresses',
  }),
  keysFolder,
} satisfies Settings;

/** In the data folder: what `im up` runs, for commands beside it. */
export const UP_FILE = 'rpc/up.json';

/** What {@link UP_FILE} holds. */
export interface UpFile {
  readonly brokers: readonly string[];
  /** Broadcast nodes. */
  readonly nodes?: readonly string[];
  /** Node managers, over HTTP. */
  readonly managers?: readonly string[];
  /** What carries messages. */
  readonly engine?: string | undefined;
  readonly keysFolder?: string | undefined;
}

/** @throws CommandError, naming the flag that helps */
export async function findBrokers(
  config: Config<typeof brokerSettings> & { readonly dataFolder: string },
): Promise<{ readonly names: readonly string[]; readonly place: BrokerPlace }> {
  const running = config.broker.length > 0 ? undefined : await readUpFile(config.dataFolder);
  const names = running?.brokers ?? config.broker;
  const folder = config.keysFolder ?? running?.keysFolder;
  const keys = folder === undefined ? undefined : await (await import('./key-files.js')).readPeerKeys(folder);
  return { names, place: { brokers: names.map(portsOf), keys } };
}

/** @throws CommandError when no `im up` runs there */
export async function readUpFile(dataFolder: string): Promise<UpFile> {
  try {
    return JSON.parse(await readFile(path.join(dataFolder, UP_FILE), 'utf8')) as UpFile;
  } catch (cause) {
    const message = `no brokers known in ${path.resolve(dataFolder)}: start im up there, or name them with --broker (or another folder with --data)`;
    throw new CommandError(message, undefined, { cause });
  }
}

const PATIENCE_MS = 3_000;

/** Waits for what needs a broker, and says so in the log when that takes long. */
export async function expectBrokers<Result>(
  names: readonly string[],
  logger: Logger,
  needing: Promise<Result>,
): Promise<Result> {
  const patience = systemClock.after(PATIENCE_MS, () => {
    logger.warn('no broker has answered yet: do they run, do the keys fit?', { brokers: names });
  });
  try {
    return await needing;
  } finally {
    patience.cancel();
  }
}
