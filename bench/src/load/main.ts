/** A load process: opens viewers, counts what they get, closes them. Driven by its parent over IPC. */
import { obeyParent } from '../harness/obey-parent.js';
import type { Dialect } from './dialect.js';
import { im } from './dialects/im.js';
import { nats } from './dialects/nats.js';
import { plain } from './dialects/plain.js';
import { socketIo } from './dialects/socket-io.js';
import { Ledger } from './ledger.js';
import type { LoadCommand, LoadReply } from './load-command.js';
import { LoadViewer } from './viewer.js';

const dialects: Readonly<Record<string, Dialect>> = { plain, 'socket.io': socketIo, nats, im };

/** Connections that are being opened at the same time. */
const OPENING = 128;
/** Viewers that one source address opens: below the 28,232 ports it has. */
const VIEWERS_PER_ADDRESS = 20_000;

const ledger = new Ledger();
let viewers: LoadViewer[] = [];

async function open(command: Extract<LoadCommand, { do: 'open' }>): Promise<void> {
  const { dialect: name, first, count, sampleEvery, ...rest } = command;
  const dialect = dialects[name];
  if (dialect === undefined) throw new Error(`unknown dialect ${name}`);
  let next = 0;
  const openSome = async (): Promise<void> => {
    while (next < count) {
      const index = first + next;
      next += 1;
      const localAddress = `127.0.0.${2 + Math.floor(index / VIEWERS_PER_ADDRESS)}`;
      const sampled = index % sampleEvery === 0;
      const viewer = new LoadViewer(index, { ...rest, dialect, ledger, localAddress, sampled });
      viewers.push(viewer);
      await viewer.settled;
    }
  };
  await Promise.all(Array.from({ length: OPENING }, openSome));
}

async function close(): Promise<void> {
  const closing = viewers;
  viewers = [];
  await Promise.all(closing.map((viewer) => viewer.close()));
}

obeyParent(async (command: LoadCommand): Promise<LoadReply> => {
  if (command.do === 'open') await open(command);
  if (command.do === 'close') await close();
  return { snapshot: ledger.snapshot() };
});
