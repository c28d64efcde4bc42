/**
 * Owns: CURVE keys as files of one folder. `broker.json` stays with the brokers: their pair, and whom they let in. Each other
 * file belongs to one kind of peer; ours read `peer.json`.
 */
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { type BrokerKeys, type CurveClientKeys, createCurveKeys } from '@im/rpc/zeromq';
import { z } from 'zod';
import { CommandError } from '../command.js';

const BROKER_FILE = 'broker.json';
export const PEER_NAME = 'peer';

const key = z.string().length(40);
const brokerKeys = z.object({ publicKey: key, secretKey: key, allowed: z.array(key) });
const peerKeys = z.object({ publicKey: key, secretKey: key, brokerKey: key });
const OTHERS = 0o077;
/** Others at the same file are done within milliseconds. */
const CLAIM_RETRY_MS = 20;
const CLAIM_ATTEMPTS = 50;

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
  const draft = await claimDraft(brokerFile);
  try {
    const broker = (await exists(brokerFile)) ? await readBrokerKeys(folder) : { ...createCurveKeys(), allowed: [] };
    const peer = createCurveKeys();
    await writeNew(peerFile, { ...peer, brokerKey: broker.publicKey });
    await writeFile(draft, toText({ ...broker, allowed: [...broker.allowed, peer.publicKey] }));
    await rename(draft, brokerFile);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  return [brokerFile, peerFile];
}

/** The draft of a file is its lock as well: who has made it may replace the file by it. */
async function claimDraft(file: string): Promise<string> {
  const draft = `${file}.new`;
  for (let attempt = 1; ; attempt++) {
    try {
      await writeFile(draft, '', { mode: 0o600, flag: 'wx' });
      return draft;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
      if (attempt === CLAIM_ATTEMPTS) {
        throw new CommandError(`${draft} is there: if no other im keys is at work, remove it`, undefined, { cause });
      }
      await setTimeout(CLAIM_RETRY_MS);
    }
  }
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
    await writeFile(file, toText(keys), { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw cause;
    throw new CommandError(
      `${file} is there already and is not overwritten; choose another --name, or another folder with --keys`,
      undefined,
      { cause },
    );
  }
}

function toText(keys: object): string {
  return `${JSON.stringify(keys, null, 2)}\n`;
}
