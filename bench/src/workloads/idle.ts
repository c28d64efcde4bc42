/**
 * W3: connections that are signed in and say nothing but heartbeats: what one of them keeps resident in the server, what they cost it
 * in CPU, and how many several server processes hold together.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlledProcess } from '../harness/control.js';
import { HOST } from '../harness/host.js';
import { cpuSeconds } from '../harness/process-cpu.js';
import { residentBytes } from '../harness/process-memory.js';
import type { Figures } from '../harness/result.js';
import { sum } from '../harness/statistics.js';
import type { LoadCommand, LoadReply } from '../load/load-command.js';
import type { Scale } from '../scale.js';
import { type RunningSystem, type System, startIm } from '../systems.js';

export interface IdleScale {
  readonly connections: number;
  /** Held when memory is read in between. */
  readonly first: number;
  /** Of heartbeats before CPU is measured. */
  readonly warmMs: number;
  readonly windowMs: number;
}

export const IDLE_SCALES: Readonly<Record<Scale, IdleScale>> = {
  // V8 collects what the opening left some 40 s after it, once, which takes more time than the heartbeats of ten seconds.
  full: { connections: 15_000, first: 1_000, warmMs: 75_000, windowMs: 50_000 },
  quick: { connections: 4_000, first: 500, warmMs: 5_000, windowMs: 5_000 },
  smoke: { connections: 400, first: 100, warmMs: 1_500, windowMs: 500 },
};

export interface ManyScale {
  readonly connections: number;
  readonly servers: number;
}

export const MANY_SCALES: Readonly<Record<Scale, ManyScale>> = {
  full: { connections: 60_000, servers: 4 },
  quick: { connections: 8_000, servers: 4 },
  smoke: { connections: 400, servers: 2 },
};

const ROOMS = ['one', 'two', 'three'];
/** That of docs/protocol.md. */
const HEARTBEAT_MS = 25_000;
/** A process may have 20,000 files. */
const PER_LOAD = 15_000;
/** After which nothing of the opening is under way. */
const SETTLE_MS = 1_500;
const GB = 2 ** 30;

type Load = ControlledProcess<LoadCommand, LoadReply>;

/** One server, one load process. */
export async function runIdle(system: System, { connections, first, warmMs, windowMs }: IdleScale): Promise<Figures> {
  const loads = [first, connections - first].map((): Load => new ControlledProcess('load.js'));
  let running: RunningSystem | undefined;
  try {
    running = await system.start(['--expose-gc']);
    const server = running;
    const memory = async (): Promise<number> => {
      await server.process.ask('measure');
      // Pages are given back a while after the collection.
      await sleep(SETTLE_MS);
      return residentBytes(server.process.pid);
    };
    const [some, others] = loads as [Load, Load];
    const none = await memory();
    await openAll(some, system.dialect, server.port, 0, first);
    const few = await memory();
    await openAll(others, system.dialect, server.port, first, connections);
    await sleep(SETTLE_MS);
    const opened = residentBytes(server.process.pid);
    const silentCores = await cpuOver(server, Math.min(windowMs, 5_000));
    await Promise.all(loads.map((load) => load.ask({ do: 'beat', everyMs: HEARTBEAT_MS })));
    await sleep(warmMs);
    const idleCores = await cpuOver(server, windowMs);
    const idle = await memory();
    const replies = await Promise.all(loads.map((load) => load.ask({ do: 'snapshot' })));
    const held = sum(replies, ({ snapshot }) => snapshot.held);
    if (held !== connections) throw new Error(`only ${held} of ${connections} connections are held`);
    return {
      connections,
      kbPerConnection: (idle - none) / connections / 1024,
      kbPerFurtherConnection: (idle - few) / (connections - first) / 1024,
      kbPerConnectionJustOpened: (opened - none) / connections / 1024,
      idleCores,
      silentCores,
    };
  } finally {
    await Promise.all([running?.stop(), ...loads.map((load) => load.stop())]);
  }
}

/** Several `im`, each with its share, and as many load processes. */
export async function runMany({ connections, servers }: ManyScale): Promise<Figures> {
  const share = connections / servers;
  const loads: Load[] = [];
  const running: RunningSystem[] = [];
  try {
    for (let i = 0; i < servers; i += 1) {
      const server = await startIm(['--expose-gc']);
      running.push(server);
      for (let at = 0; at < share; at += PER_LOAD) {
        const load: Load = new ControlledProcess('load.js');
        loads.push(load);
        const first = i * share + at;
        await openAll(load, 'im', server.port, first, Math.min(first + PER_LOAD, (i + 1) * share));
      }
    }
    await Promise.all(loads.map((load) => load.ask({ do: 'beat', everyMs: HEARTBEAT_MS })));
    await Promise.all(running.map(({ process }) => process.ask('measure')));
    // Longer than a client may be silent.
    await sleep(share > 10_000 ? 2.6 * HEARTBEAT_MS : SETTLE_MS);
    const replies = await Promise.all(loads.map((load) => load.ask({ do: 'snapshot' })));
    const lost = sum(replies, ({ snapshot }) => snapshot.lostConnections);
    const held = sum(replies, ({ snapshot }) => snapshot.held);
    const memory = (pids: readonly number[]): number => sum(pids, residentBytes) / GB;
    return {
      processes: servers,
      connectionsHeld: held,
      connectionsLost: lost,
      serversResidentGb: memory(running.map(({ process }) => process.pid)),
      loadResidentGb: memory(loads.map(({ pid }) => pid)),
    };
  } finally {
    await Promise.all([...running.map((server) => server.stop()), ...loads.map((load) => load.stop())]);
  }
}

function openAll(load: Load, dialect: string, port: number, from: number, to: number): Promise<LoadReply> {
  const count = to - from;
  return load.ask({ do: 'open', dialect, host: HOST, port, first: from, count, rooms: ROOMS, sampleEvery: to + 1 });
}

/** Cores that the server uses. */
async function cpuOver({ process }: RunningSystem, windowMs: number): Promise<number> {
  const [cpu, began] = [cpuSeconds(process.pid), performance.now()];
  await sleep(windowMs);
  return ((cpuSeconds(process.pid) - cpu) * 1_000) / (performance.now() - began);
}
