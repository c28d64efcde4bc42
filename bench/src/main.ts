/** `bench <workload> [options]`: runs one workload and says what it found. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { busSystems, imBus } from './bus/bus-systems.js';
import { type Comparable, chooseSystems, compareSystems, type Found } from './harness/compare.js';
import { describeMachine } from './harness/machine.js';
import { redisServerMissing } from './harness/redis-server.js';
import { formatResult } from './harness/result.js';
import { logSystems } from './log/log-systems.js';
import { writePlots } from './report/write-plots.js';
import { imRpc, rpcSystems } from './rpc/rpc-systems.js';
import type { Scale } from './scale.js';
import { frameSystems, systems } from './systems.js';
import { BUS_SCALES, runBus } from './workloads/bus.js';
import { BUS_PRIORITY_SCALES, runBusPriority } from './workloads/bus-priority.js';
import { CONNECTION_COUNTS, runConnections } from './workloads/connections.js';
import { deflateCases, runDeflate } from './workloads/deflate.js';
import { DRAIN_SCALES, runDrain } from './workloads/drain.js';
import { FAN_OUT_SCALES, runFanOut } from './workloads/fan-out.js';
import { disturbances, HOT_UPDATE_SCALES, runHotUpdate } from './workloads/hot-update.js';
import { IDLE_SCALES, MANY_SCALES, runIdle, runMany } from './workloads/idle.js';
import { LOG_PARTS, LOGS_SCALES, runLogs } from './workloads/logs.js';
import { MULTICAST_SCALES, multicastCases, runMulticast } from './workloads/multicast.js';
import { OVERLOAD_SCALES, runOverload } from './workloads/overload.js';
import { RPC_CALLS_SCALES, runRpcCalls } from './workloads/rpc-calls.js';
import { ISOLATION_SCALES, runIsolation } from './workloads/rpc-isolation.js';
import { MEMORY_MINUTES, runRpcMemory } from './workloads/rpc-memory.js';
import { compilerMissing, runSendFloor, SEND_FLOOR_ROUNDS } from './workloads/send-floor.js';
import { runSlowReaders, SLOW_READERS_SCALES } from './workloads/slow-readers.js';
import { runStorm, STORM_SCALES } from './workloads/storm.js';

const USAGE = `Usage: bench <workload> [--quick | --smoke] [--json FILE] [--only NAME,…] [--parts NAME,…] [--minutes N]
       bench report FILE… [--out FOLDER]

  W1           fan-out: CPU a delivery, deliveries a second, latency, beside the peers
  W1-deflate   W1 with chat in Chinese and English, as it is and compressed: CPU and bytes a delivery
  W2           a room that gets three times what one core carries: lateness of gifts, accounts of the viewers
  send-floor   what W1's writes cost a program in C that does nothing else: no server here can be faster
  frames       W1 with 12, 30, 60 frames a second and with none: latency beside CPU
  W3           idle connections: memory and CPU of each, beside bare ws
  W3-many      idle connections: 60,000 at four gateway processes
  W4           RPC: calls a second, latency, CPU a call of each process, beside the peers
  W5           bus: messages a second, CPU a message, latency of a lone one, beside the peers
  W6           storm: 10,000 viewers are cut and come back, beside bare ws
  W6-drain     a gateway with 10,000 viewers is emptied over ten seconds
  W7           logs: appends a second, sync, size, memory, pages, in LMDB and in Redis
  bus-priority bus: how late the priority lane is while the node is flooded with normal messages
  multicast    bus: one push to 10,000 users beside 10,000 pushes: bytes, CPU of each process
  isolation    RPC: what a service notices of another that hangs and is flooded
  rpc-memory   RPC: resident memory at half load
  hot-update   RPC: what calls notice while workers are updated, and while processes are killed
  slow-readers one viewer in a hundred reads at 1 KB/s: what the others notice, what becomes of them
  connections  what 10,000 connections leave behind in a gateway

  report       draws what --json FILE of W1, W1-deflate, frames, W3, W4 and W5 hold: SVG files and a page of them in the folder --out

  --quick      one short run of the systems that need nothing installed, within 50 seconds
  --smoke      proves that the programs work; its figures tell no more than which system is cheaper by far
  --json FILE  the figures for programs
  --only A,B   these systems
  --parts A,B  these parts of W7: ${LOG_PARTS.join(', ')}
  --minutes N  how long rpc-memory takes
  --out FOLDER where report puts its files, default bench/plots
  --help       print this text
`;

/** What `--quick` and `--smoke` compare in W1. */
const QUICK_SYSTEMS: readonly string[] = ['im', 'ws', 'socket.io', 'ws-frame'];
/** The only one that can be drained. */
const imOnRedis: Comparable = { name: 'im', missing: redisServerMissing };
/** What W3 and W6 compare: theirs are the least that connections and returns cost on Node. */
const BARE_SYSTEMS: readonly string[] = ['im', 'ws'];
const FULL_RUNS = 5;
/** Of workloads that take minutes a run. */
const FEW_RUNS = 3;

interface Options {
  readonly scale: Scale;
  readonly only: readonly string[] | undefined;
  readonly parts: readonly string[] | undefined;
  readonly minutes: number | undefined;
}

interface Workload {
  /** Whether a server has a core to itself. */
  readonly pins: boolean;
  run(options: Options): Promise<Found>;
}

const workloads: Readonly<Record<string, Workload>> = {
  W1: {
    pins: true,
    run({ scale, only }) {
      const chosen = chooseSystems(systems, only ?? (scale === 'full' ? undefined : QUICK_SYSTEMS));
      return compareSystems(chosen, runsOf(scale), (system) => runFanOut(system, FAN_OUT_SCALES[scale]));
    },
  },
  'W1-deflate': {
    pins: true,
    run: ({ scale, only }) =>
      compareSystems(chooseSystems(deflateCases, only), fewRunsOf(scale), (one) =>
        runDeflate(one, FAN_OUT_SCALES[scale]),
      ),
  },
  W2: {
    pins: true,
    run: ({ scale }) =>
      compareSystems([{ name: 'im', missing: () => undefined }], fewRunsOf(scale), () =>
        runOverload(OVERLOAD_SCALES[scale]),
      ),
  },
  'send-floor': {
    pins: true,
    run: ({ scale }) =>
      compareSystems([{ name: 'send', missing: compilerMissing }], runsOf(scale), () =>
        runSendFloor(SEND_FLOOR_ROUNDS[scale]),
      ),
  },
  frames: {
    pins: true,
    run: ({ scale, only }) =>
      compareSystems(chooseSystems(frameSystems, only), runsOf(scale), (system) =>
        runFanOut(system, FAN_OUT_SCALES[scale]),
      ),
  },
  W3: {
    pins: true,
    run: ({ scale, only }) =>
      compareSystems(chooseSystems(systems, only ?? BARE_SYSTEMS), fewRunsOf(scale), (system) =>
        runIdle(system, IDLE_SCALES[scale]),
      ),
  },
  'W3-many': {
    pins: false,
    async run({ scale }) {
      return { runs: 1, systems: [{ name: 'im', figures: await runMany(MANY_SCALES[scale]) }], missing: [] };
    },
  },
  W4: {
    pins: false,
    run: ({ scale, only }) =>
      compareSystems(chooseSystems(rpcSystems, only), runsOf(scale), (system) =>
        runRpcCalls(system, RPC_CALLS_SCALES[scale]),
      ),
  },
  W5: {
    pins: false,
    run: ({ scale, only }) =>
      compareSystems(chooseSystems(busSystems, only), runsOf(scale), (system) => runBus(system, BUS_SCALES[scale])),
  },
  W6: {
    pins: true,
    run: ({ scale, only }) =>
      compareSystems(chooseSystems(systems, only ?? BARE_SYSTEMS), fewRunsOf(scale), (system) =>
        runStorm(system, STORM_SCALES[scale]),
      ),
  },
  'W6-drain': {
    pins: false,
    run: ({ scale }) => compareSystems([imOnRedis], fewRunsOf(scale), () => runDrain(DRAIN_SCALES[scale])),
  },
  W7: {
    pins: false,
    run: ({ scale, only, parts }) =>
      compareSystems(chooseSystems(logSystems, only), 1, (system) => runLogs(system, LOGS_SCALES[scale], parts)),
  },
  'bus-priority': {
    pins: false,
    run: ({ scale }) =>
      compareSystems([imBus], runsOf(scale), (system) => runBusPriority(system, BUS_PRIORITY_SCALES[scale])),
  },
  multicast: {
    pins: false,
    run: ({ scale, only }) =>
      compareSystems(chooseSystems(multicastCases, only), runsOf(scale), (one) =>
        runMulticast(one, MULTICAST_SCALES[scale]),
      ),
  },
  isolation: {
    pins: false,
    run: ({ scale }) =>
      compareSystems([imRpc], ISOLATION_SCALES[scale].runs, (system) => runIsolation(system, ISOLATION_SCALES[scale])),
  },
  'rpc-memory': {
    pins: false,
    run: ({ scale, minutes = MEMORY_MINUTES[scale] }) =>
      compareSystems([imRpc], 1, (system) => runRpcMemory(system, minutes)),
  },
  'hot-update': {
    pins: false,
    run: ({ scale, only }) =>
      compareSystems(chooseSystems(disturbances, only), 1, (disturbance) =>
        runHotUpdate(disturbance, HOT_UPDATE_SCALES[scale]),
      ),
  },
  'slow-readers': {
    pins: true,
    async run({ scale }) {
      const system = { name: 'im', missing: () => undefined };
      const { runs, ...sizes } = SLOW_READERS_SCALES[scale];
      return compareSystems([system], runs, () => runSlowReaders(sizes));
    },
  },
  connections: {
    pins: true,
    async run({ scale }) {
      const figures = await runConnections(CONNECTION_COUNTS[scale]);
      return { runs: 1, systems: [{ name: 'im', figures }], missing: [] };
    },
  },
};

function runsOf(scale: Scale): number {
  return scale === 'full' ? FULL_RUNS : 1;
}

function fewRunsOf(scale: Scale): number {
  return scale === 'full' ? FEW_RUNS : 1;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string' },
      parts: { type: 'string' },
      minutes: { type: 'string' },
      out: { type: 'string', default: 'bench/plots' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [name = '', ...others] = positionals;
  if (name === 'report' && others.length > 0) {
    process.stdout.write(`${(await writePlots(others, values.out)).join('\n')}\n`);
    return 0;
  }
  const workload = workloads[name];
  const minutes = values.minutes === undefined ? undefined : Number(values.minutes);
  if (workload === undefined || others.length > 0 || !((minutes ?? 1) > 0)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const machine = describeMachine();
  const scale = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full';
  const result = {
    workload: name,
    machine: { ...machine, pinned: machine.pinned && workload.pins },
    ...(await workload.run({ scale, only: values.only?.split(','), parts: values.parts?.split(','), minutes })),
  };
  process.stdout.write(`${formatResult(result)}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  return 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
