/**
 * Owns: CURVE keys as files of one folder. `broker.json` stays with the brokers: their pair, and whom they let in. Each other
 * file belongs to one kind of peer; ours read `peer.json`.
 */
import { mkdir, readFile, rename, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type BrokerKeys, type CurveClientKeys, createCurveKeys } from '@im/rpc/zeromq';
import { z } from 'zod';
import { CommandError } from '../command.js';

const BROKER_FILE = 'broker.json';
export const PEER_NAME = 'peer';

const key = z.string().length(40);
const brokerKeys = z.object({ publicKey: key, secretKey: key, allowed: z.array(key) });
const peerKeys = z.object({ publicKey: key, secretKey: key, brokerKey: key });
const OTHERS = 0o077;

/** @throws CommandError */
export function readBrokerKeys(folder: string): Promise<BrokerKeys> {
  return readKeys(path.join(folder, BROKER_FILE), brokerKeys);
}

/** @throws CommandError */
export function readPeerKeys(folder: string): Promise<CurveClientKeys> {
  return readKeys(path.join(folder, `${PEER_NAME}.json`), peerKeys);
}

/**
 * Makes the keys of one kind of peer, and those of the brokers if there are none, and has the brokers let it in from their next
 * start on. Changes no key that is there.
 * @returns the files that were written
 * @throws CommandError when the peer has keys
 */
export async function makeKeys(folder: string, name: string): Promise<string[]> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const [brokerFile, peerFile] = [path.join(folder, BROKER_FILE), path.join(folder, `${name}.json`)];
  const isNew = !(await exists(brokerFile));
  const broker = isNew ? { ...createCurveKeys(), allowed: [] } : await readBrokerKeys(folder);
  const peer = createCurveKeys();
  await writeNew(peerFile, { ...peer, brokerKey: broker.publicKey });
  const changed = { ...broker, allowed: [...broker.allowed, peer.publicKey] };
  if (isNew) await writeNew(brokerFile, changed);
  else await replace(brokerFile, changed);
  return [brokerFile, peerFile];
}

async function readKeys<Keys>(file: string, schema: z.ZodType<Keys>): Promise<Keys> {
  let text: string;
  try {
    const { mode } = await stat(file);
    if ((mode & OTHERS) !== 0) throw new CommandError(`${file} can be read by other users; run: chmod 600 ${file}`);
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (cause instanceof CommandError) throw cause;
    throw new CommandError(`no keys at ${file}: make them with im keys, or name their folder with --keys`, undefined, {
      cause,
    });
  }
  const parsed = schema.safeParse(parse(text));
  if (!parsed.success) throw new CommandError(`${file} holds no keys as im keys makes them`);
  return parsed.data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function writeNew(file: string, keys: object): Promise<void> {
  try {
    await writeFile(file, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new CommandError(
      `${file} is there already and is not overwritten; choose another --name, or another folder with --keys`,
      undefined,
      { cause },
    );
  }
}

async function replace(file: string, keys: object): Promise<void> {
  const draft = `${file}.new`;
  await writeFile(draft, `${JSON.stringify(keys, null, 2)}\n`, { mode: 0o600 });
  await rename(draft, file);
}
