/** `bench <workload> [--quick | --smoke] [--json FILE] [--only NAME,…]`: runs one workload and says what it found. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeMachine } from './harness/machine.js';
import { type Figures, formatResult, type SystemResult, type WorkloadResult } from './harness/result.js';
import { median } from './harness/statistics.js';
import type { Scale } from './scale.js';
import { type System, systems } from './systems.js';
import { CONNECTION_COUNTS, runConnections } from './workloads/connections.js';
import { FAN_OUT_SCALES, runFanOut } from './workloads/fan-out.js';

const USAGE = `Usage: bench <workload> [--quick | --smoke] [--json FILE] [--only NAME,…]

  W1           fan-out: CPU a delivery, deliveries a second, latency, beside the peers
  connections  what 10,000 connections leave behind in a gateway

  --quick      one short run of the systems that need nothing installed, within 50 seconds
  --smoke      proves that the programs work; its figures tell no more than which system is cheaper by far
  --json FILE  the figures for programs
  --only A,B   these systems
  --help       print this text
`;

/** What `--quick` and `--smoke` compare. */
const QUICK_SYSTEMS: readonly string[] = ['im', 'ws', 'socket.io', 'ws-frame'];
const FULL_RUNS = 5;

interface Options {
  readonly scale: Scale;
  readonly only: readonly string[] | undefined;
}

type Found = Omit<WorkloadResult, 'workload' | 'machine'>;

const workloads: Readonly<Record<string, (options: Options) => Promise<Found>>> = { W1: fanOut, connections };

async function fanOut({ scale, only }: Options): Promise<Found> {
  const wanted = only ?? (scale === 'full' ? systems.map(({ name }) => name) : QUICK_SYSTEMS);
  const chosen = wanted.map((name) => {
    const system = systems.find((candidate) => candidate.name === name);
    if (system === undefined)
      throw new Error(`no system ${name}: choose of ${systems.map((each) => each.name).join(', ')}`);
    return system;
  });
  const missing = chosen.flatMap((system) => {
    const reason = system.missing();
    return reason === undefined ? [] : [{ name: system.name, reason }];
  });
  const present = chosen.filter((system) => system.missing() === undefined);
  const runs = scale === 'full' ? FULL_RUNS : 1;
  const figures = new Map<System, Figures[]>(present.map((system) => [system, []]));
  // Run by run rather than system by system: what else the machine does then meets all of them.
  for (let run = 1; run <= runs; run += 1) {
    for (const [system, found] of figures) {
      process.stderr.write(`run ${run} of ${runs}: ${system.name}\n`);
      found.push(await runFanOut(system, FAN_OUT_SCALES[scale]));
    }
  }
  const results = [...figures].map(([{ name }, found]): SystemResult => ({ name, figures: medians(found) }));
  return { runs, systems: results, missing };
}

async function connections({ scale }: Options): Promise<Found> {
  const figures = await runConnections(CONNECTION_COUNTS[scale]);
  return { runs: 1, systems: [{ name: 'im', figures }], missing: [] };
}

function medians(runs: readonly Figures[]): Figures {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(runs.map((figures) => figures[name] ?? Number.NaN))]));
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      smoke: { type: 'boolean', default: false },
      json: { type: 'string' },
      only: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const [workload = '', ...others] = positionals;
  const run = workloads[workload];
  if (run === undefined || others.length > 0) {
    process.stderr.write(USAGE);
    return 2;
  }
  const machine = describeMachine();
  const scale = values.smoke ? 'smoke' : values.quick ? 'quick' : 'full';
  const result = { workload, machine, ...(await run({ scale, only: values.only?.split(',') })) };
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
