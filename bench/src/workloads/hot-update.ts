/** What calls notice when the processes of `im up` are updated, and when they are killed with -9. */
import { setTimeout as pause } from 'node:timers/promises';
import { createZeromqRpc } from '@im/rpc/zeromq';
import { ImUp } from '../harness/im-up.js';
import type { Figures } from '../harness/result.js';
import { percentile } from '../harness/statistics.js';
import { SteadyLoad } from '../rpc/steady-load.js';
import type { Scale } from '../scale.js';

export interface Disturbance {
  readonly name: string;
  readonly brokers: number;
  /** Which calls may be repeated when a process is lost. */
  isRepeatable(call: number): boolean;
  /** How often in the time in which workers are updated once. */
  readonly timesAsOften: number;
  /** Settles when it is over. @param round from 0 */
  disturb(up: ImUp, round: number): Promise<void>;
  missing(): undefined;
}

/** Once in so many calls one that may not be repeated. */
const EVERY_TENTH = 10;
const missing = (): undefined => undefined;

export const disturbances: readonly Disturbance[] = [
  // Nobody may repeat any of them: what fails, shows.
  { name: 'update', brokers: 1, timesAsOften: 1, isRepeatable: () => false, disturb: (up) => up.update(), missing },
  {
    name: 'kill-worker',
    brokers: 1,
    timesAsOften: 2,
    isRepeatable: (call) => call % EVERY_TENTH !== 0,
    disturb: (up, round) => up.kill(`worker-${(round % 2) + 1}`),
    missing,
  },
  {
    name: 'kill-broker',
    brokers: 2,
    timesAsOften: 1,
    isRepeatable: (call) => call % EVERY_TENTH !== 0,
    disturb: (up, round) => up.kill(`broker-${(round % 2) + 1}`),
    missing,
  },
];

export interface HotUpdateScale {
  readonly seconds: number;
  readonly everyMs: number;
}

export const HOT_UPDATE_SCALES: Readonly<Record<Scale, HotUpdateScale>> = {
  full: { seconds: 60, everyMs: 10_000 },
  quick: { seconds: 12, everyMs: 4_000 },
  smoke: { seconds: 2, everyMs: 1_000 },
};

const CALLS_PER_SECOND = 5_000;

export async function runHotUpdate(disturbance: Disturbance, scale: HotUpdateScale): Promise<Figures> {
  const { seconds } = scale;
  const everyMs = scale.everyMs / disturbance.timesAsOften;
  const up = await ImUp.start('--workers', '2', '--brokers', String(disturbance.brokers));
  const rpc = createZeromqRpc({
    brokers: up.brokers.map((name) => ({ callers: `${name}.callers`, workers: `${name}.workers` })),
  });
  try {
    const load = new SteadyLoad(rpc.createCaller(), CALLS_PER_SECOND, disturbance.isRepeatable);
    const rounds = Math.max(1, Math.floor((seconds * 1_000) / everyMs));
    for (let round = 0; round < rounds; round += 1) {
      await pause(everyMs / 2);
      const rest = pause(everyMs / 2);
      load.disturbed();
      await Promise.all([disturbance.disturb(up, round), rest]);
    }
    const { latencies, disturbedLatencies, ...figures } = await load.end();
    return {
      times: rounds,
      callsPerSecond: figures.calls / figures.seconds,
      calls: figures.calls,
      failedRepeatable: figures.failedRepeatable,
      failedOthers: figures.failedOthers,
      failedUnclear: figures.failedUnclear,
      p50Ms: percentile(latencies, 50),
      p99Ms: percentile(latencies, 99),
      p99MsWhileDisturbed: percentile(disturbedLatencies, 99),
    };
  } finally {
    await rpc.close();
    await up.stop();
  }
}
