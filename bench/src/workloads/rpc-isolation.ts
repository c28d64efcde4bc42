/**
 * What a service notices of another that hangs completely while a caller floods it: the same calls at the same steady
 * rate, first alone, then beside the flood.
 */
import type { Figures } from '../harness/result.js';
import type { FloodCommand, FloodReply } from '../rpc/flood-command.js';
import { RpcChain } from '../rpc/rpc-chain.js';
import type { RpcSystem } from '../rpc/rpc-systems.js';
import type { Scale } from '../scale.js';

/** Of the well service. */
const CALLS_PER_SECOND = 5_000;
/** What the flooding process may use. */
const FLOOD_CORES = 0.2;

export interface IsolationScale {
  readonly runs: number;
  readonly warmMs: number;
  readonly measureMs: number;
}

export const ISOLATION_SCALES: Readonly<Record<Scale, IsolationScale>> = {
  full: { runs: 5, warmMs: 2_000, measureMs: 5_000 },
  quick: { runs: 3, warmMs: 1_500, measureMs: 3_000 },
  smoke: { runs: 1, warmMs: 500, measureMs: 1_500 },
};

export async function runIsolation(system: RpcSystem, { warmMs, measureMs }: IsolationScale): Promise<Figures> {
  const chain = await RpcChain.start(system);
  try {
    await chain.startServer('hung-worker.js');
    const caller = chain.startCaller();
    const flooder = chain.startControlled<FloodCommand, FloodReply>('flooder.js');
    // Started and connected before either window.
    await flooder.ask({ do: 'stop' });
    const pace = { do: 'pace', callsPerSecond: CALLS_PER_SECOND, warmMs, measureMs, pids: [] } as const;
    const without = await caller.ask(pace);
    await flooder.ask({ do: 'flood', cores: FLOOD_CORES });
    const withFlood = await caller.ask(pace);
    const flood = await flooder.ask({ do: 'stop' });
    return {
      callsPerSecond: withFlood.calls / withFlood.seconds,
      failed: without.failed + withFlood.failed,
      p50MsWithout: without.p50Ms,
      p50MsWith: withFlood.p50Ms,
      p99MsWithout: without.p99Ms,
      p99MsWith: withFlood.p99Ms,
      p99Ratio: withFlood.p99Ms / without.p99Ms,
      floodCallsPerSecond: flood.calls / flood.seconds,
      floodOverloaded: flood.answers.OVERLOADED ?? 0,
      floodCores: flood.cpuSeconds / flood.seconds,
    };
  } finally {
    await chain.stop();
  }
}
