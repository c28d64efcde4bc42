/** `bench <workload> [--quick] [--json FILE] [--only NAME,…]`: runs one workload and says what it found. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeMachine } from './harness/machine.js';
import { type Figures, formatResult, type SystemResult, type WorkloadResult } from './harness/result.js';
import { median } from './harness/statistics.js';
import { type System, systems } from './systems.js';
import { FULL, QUICK, runFanOut } from './workloads/fan-out.js';

const USAGE = `Usage: bench <workload> [--quick] [--json FILE] [--only NAME,…]

  W1           fan-out: CPU a delivery, deliveries a second, latency, beside the peers

  --quick      one short run of the systems that need nothing installed, within 50 seconds
  --json FILE  the figures for programs
  --only A,B   these systems
`;

/** What `--quick` compares. */
const QUICK_SYSTEMS: readonly string[] = ['im', 'ws', 'socket.io', 'ws-frame'];
const FULL_RUNS = 5;

interface Options {
  readonly quick: boolean;
  readonly only: readonly string[] | undefined;
}

const workloads: Readonly<Record<string, (options: Options) => Promise<WorkloadResult>>> = { W1: fanOut };

async function fanOut({ quick, only }: Options): Promise<WorkloadResult> {
  const machine = describeMachine();
  const wanted = only ?? (quick ? QUICK_SYSTEMS : systems.map(({ name }) => name));
  const chosen = systems.filter(({ name }) => wanted.includes(name));
  const missing = chosen.flatMap((system) => {
    const reason = system.missing();
    return reason === undefined ? [] : [{ name: system.name, reason }];
  });
  const present = chosen.filter((system) => system.missing() === undefined);
  const runs = quick ? 1 : FULL_RUNS;
  const figures = new Map<System, Figures[]>(present.map((system) => [system, []]));
  // Run by run rather than system by system: what else the machine does then meets all of them.
  for (let run = 1; run <= runs; run += 1) {
    for (const [system, found] of figures) {
      process.stderr.write(`run ${run} of ${runs}: ${system.name}\n`);
      found.push(await runFanOut(system, quick ? QUICK : FULL));
    }
  }
  const results = [...figures].map(([{ name }, found]): SystemResult => ({ name, figures: medians(found) }));
  return { workload: 'W1', machine, runs, systems: results, missing };
}

function medians(runs: readonly Figures[]): Figures {
  const names = Object.keys(runs[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, median(runs.map((figures) => figures[name] ?? Number.NaN))]));
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { quick: { type: 'boolean', default: false }, json: { type: 'string' }, only: { type: 'string' } },
  });
  const run = workloads[positionals[0] ?? ''];
  if (run === undefined || positionals.length > 1) {
    process.stderr.write(USAGE);
    return 2;
  }
  const result = await run({ quick: values.quick, only: values.only?.split(',') });
  process.stdout.write(`${formatResult(result)}\n`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(result, null, 2)}\n`);
  return 0;
}

process.exitCode = await main();
