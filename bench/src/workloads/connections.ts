/**
 * What connections leave behind in one gateway process: they are opened, signed in, put into rooms and closed again,
 * several times; memory is looked at after a forced collection.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlledProcess } from '../harness/control.js';
import { HOST } from '../harness/host.js';
import type { Figures } from '../harness/result.js';
import type { ServerProcess } from '../harness/server-process.js';
import { sum } from '../harness/statistics.js';
import type { LoadCommand, LoadReply } from '../load/load-command.js';
import type { Scale } from '../scale.js';
import { startIm } from '../systems.js';

export const CONNECTION_COUNTS: Readonly<Record<Scale, number>> = { full: 10_000, quick: 2_000, smoke: 500 };

const CYCLES = 3;
const ROOMS = ['one', 'two', 'three'];
/** Load processes, so that none comes near its limit of open files. */
const PROCESSES = 2;
const EMPTY_WITHIN_MS = 30_000;
const MB = 1024 * 1024;

type Load = ControlledProcess<LoadCommand, LoadReply>;

/** What the server process says it holds. */
interface Holding {
  /** Heap and buffers, after a collection. */
  readonly heapBytes: number;
  readonly residentBytes: number;
  readonly handles: readonly string[];
  readonly im_gateway_connections: number;
  readonly im_gateway_sessions: number;
  readonly im_gateway_sessions_lost: number;
  readonly im_gateway_groups: number;
  readonly im_groups_members: number;
}

export async function runConnections(count: number): Promise<Figures> {
  const loads = Array.from({ length: PROCESSES }, (): Load => new ControlledProcess('load.js'));
  const running = await startIm(['--expose-gc']);
  try {
    const server = running.process;
    const started = await holding(server);
    // First a round of the same users: compiled code, and what stores keep of a user they know, are no leak.
    const { after: before } = await cycle(running.port, server, loads, count);
    const cycles: { held: Holding; after: Holding }[] = [];
    for (let i = 0; i < CYCLES; i += 1) cycles.push(await cycle(running.port, server, loads, count));
    return figures(count, { started, before }, cycles);
  } finally {
    await Promise.all([running.stop(), ...loads.map((load) => load.stop())]);
  }
}

async function cycle(port: number, server: ServerProcess, loads: readonly Load[], count: number) {
  const share = Math.ceil(count / loads.length);
  const replies = await Promise.all(
    loads.map((load, i) => {
      const [first, last] = [i * share, Math.min(count, (i + 1) * share)];
      const options = { dialect: 'im', host: HOST, port, rooms: ROOMS, sampleEvery: count };
      return load.ask({ do: 'open', first, count: last - first, ...options });
    }),
  );
  const open = sum(replies, ({ snapshot }) => snapshot.held);
  const held = await holding(server);
  if (open !== count || held.im_gateway_connections !== count) {
    throw new Error(`${open} of ${count} connections are held; the gateway says ${held.im_gateway_connections}`);
  }
  await Promise.all(loads.map((load) => load.ask({ do: 'close' })));
  return { held, after: await empty(server) };
}

/** Waits until the gateway has nothing left, or for as long as that may take. */
async function empty(server: ServerProcess): Promise<Holding> {
  const until = performance.now() + EMPTY_WITHIN_MS;
  for (;;) {
    const now = await holding(server);
    if (left(now) === 0 || performance.now() > until) return now;
    await sleep(250);
  }
}

function left(now: Holding): number {
  return now.im_gateway_connections + now.im_gateway_sessions + now.im_gateway_sessions_lost + membership(now);
}

function membership(now: Holding): number {
  return now.im_groups_members + now.im_gateway_groups;
}

async function holding(server: ServerProcess): Promise<Holding> {
  return (await server.ask('measure')) as unknown as Holding;
}

function figures(
  count: number,
  { started, before }: { started: Holding; before: Holding },
  cycles: readonly { held: Holding; after: Holding }[],
): Figures {
  const last = cycles.at(-1)?.after ?? before;
  const perCycle = cycles.flatMap(({ held, after }, i) => [
    [`heapAfterCycle${i + 1}Mb`, after.heapBytes / MB],
    [`residentHeldCycle${i + 1}Mb`, held.residentBytes / MB],
    [`residentAfterCycle${i + 1}Mb`, after.residentBytes / MB],
  ]);
  const growth = Math.max(0, ...cycles.map(({ held }) => held.residentBytes - started.residentBytes));
  return {
    connections: count,
    rooms: ROOMS.length,
    kbPerConnection: growth / count / 1024,
    heapStartedMb: started.heapBytes / MB,
    heapBeforeMb: before.heapBytes / MB,
    ...Object.fromEntries(perCycle),
    heapGrowthPercent: (last.heapBytes / before.heapBytes - 1) * 100,
    connectionsLeft: last.im_gateway_connections,
    sessionsLeft: last.im_gateway_sessions + last.im_gateway_sessions_lost,
    membersLeft: membership(last),
    handlesLeft: last.handles.length - before.handles.length,
  };
}
