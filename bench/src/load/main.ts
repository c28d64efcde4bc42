/** A load process: opens viewers, counts what they get, closes them. Driven by its parent over IPC. */
import { setTimeout as sleep } from 'node:timers/promises';
import { obeyParent } from '../harness/obey-parent.js';
import type { Dialect } from './dialect.js';
import { im } from './dialects/im.js';
import { imReturning } from './dialects/im-returning.js';
import { nats } from './dialects/nats.js';
import { plain } from './dialects/plain.js';
import { socketIo } from './dialects/socket-io.js';
import { Ledger } from './ledger.js';
import type { LoadCommand, LoadReply, Move } from './load-command.js';
import { LoadViewer } from './viewer.js';

const dialects: Readonly<Record<string, Dialect>> = {
  plain,
  'socket.io': socketIo,
  nats,
  im,
  'im-returning': imReturning,
};

/** Connections that are being opened at the same time. */
const OPENING = 128;
/** Viewers come from so many: of an address most of whose 28,232 ports are taken, or were lately, the next is found slowly. */
const ADDRESSES = 250;

/** Viewers whose heartbeats fall together. */
const BEATS_PER_SECOND = 50;
/** How long a viewer that was not let in waits at least before it tries again; as long again with each failure. */
const RETRY_MS = 1_000;
const MAX_TRIES = 8;
const MOVES_LOOK_MS = 50;

type Opening = Extract<LoadCommand, { do: 'open' }>;

const ledger = new Ledger();
let viewers: LoadViewer[] = [];
let opened: Opening | undefined;
let beats: NodeJS.Timeout | undefined;
/** Of each viewer that was asked to move. */
const moves: Promise<Move>[] = [];

async function open(command: Opening): Promise<void> {
  opened = command;
  let next = 0;
  const openSome = async (): Promise<void> => {
    while (next < command.count) {
      const viewer = connect(command, command.first + next);
      next += 1;
      viewers.push(viewer);
      await viewer.settled;
    }
  };
  await Promise.all(Array.from({ length: OPENING }, openSome));
}

function connect({ dialect: name, first: _first, count: _count, sampleEvery, ...rest }: Opening, index: number) {
  const dialect = dialects[name];
  if (dialect === undefined) throw new Error(`unknown dialect ${name}`);
  const localAddress = `127.0.0.${2 + (index % ADDRESSES)}`;
  const sampled = index % sampleEvery === 0;
  return new LoadViewer(index, {
    ...{ ...rest, dialect, ledger, localAddress, sampled },
    onMove: (viewer, afterMs, port) => void moves.push(move(viewer, afterMs, port)),
  });
}

/** Each in its turn, so that there are as many at any time. */
function beat(everyMs: number): void {
  const share = viewers.length / ((everyMs / 1_000) * BEATS_PER_SECOND);
  let due = 0;
  let next = 0;
  beats = setInterval(() => {
    for (due += share; next < due; next += 1) viewers[next % viewers.length]?.heartbeat();
  }, 1_000 / BEATS_PER_SECOND);
}

async function storm(): Promise<readonly number[]> {
  const command = opened as Opening;
  const began = performance.now();
  for (const viewer of viewers) viewer.cut();
  return await Promise.all(
    viewers.map(async (_viewer, place) => {
      await comeBack(command, place);
      return performance.now() - began;
    }),
  );
}

/** Settles when the viewer of this place is in its rooms again. @throws Error when it was not let in time after time */
async function comeBack(command: Opening, place: number): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const viewer = connect(command, command.first + place);
    viewers[place] = viewer;
    try {
      return await viewer.settled;
    } catch (error) {
      if (tries === MAX_TRIES) throw error;
      await sleep(RETRY_MS + Math.random() * RETRY_MS * 2 ** tries);
    }
  }
}

async function move(viewer: LoadViewer, afterMs: number, port: number): Promise<Move> {
  const command = opened as Opening;
  const dueAtMs = Date.now() + afterMs;
  await sleep(afterMs);
  const leftAtMs = Date.now();
  void viewer.close();
  await comeBack({ ...command, port }, viewer.index - command.first);
  return { dueAtMs, leftAtMs, backAtMs: Date.now() };
}

/** @throws Error when one could not get in elsewhere */
async function allMoves(): Promise<readonly Move[]> {
  while (moves.length < viewers.length) await sleep(MOVES_LOOK_MS);
  return await Promise.all(moves);
}

async function close(): Promise<void> {
  clearInterval(beats);
  const closing = viewers;
  viewers = [];
  await Promise.all(closing.map((viewer) => viewer.close()));
}

function unbalanced(published: number): NonNullable<LoadReply['unbalanced']> {
  const missing = viewers.map(({ account }) => published - account).filter((count) => count !== 0);
  return { viewers: missing.length, least: Math.min(...missing, 0), most: Math.max(...missing, 0) };
}

obeyParent(async (command: LoadCommand): Promise<LoadReply> => {
  let backAfterMs: readonly number[] = [];
  if (command.do === 'open') await open(command);
  if (command.do === 'beat') beat(command.everyMs);
  if (command.do === 'storm') backAfterMs = await storm();
  if (command.do === 'hasten') for (const viewer of viewers) viewer.hasten();
  if (command.do === 'close') await close();
  const moved = command.do === 'moved' ? await allMoves() : [];
  return {
    snapshot: ledger.snapshot(),
    backAfterMs,
    moves: moved,
    ...(command.do === 'account' && { unbalanced: unbalanced(command.published) }),
  };
});
