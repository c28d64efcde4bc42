/**
 * W4: caller, broker and worker as three processes, notes of 60 bytes there and back, 1, 256 and 1,024 calls in flight.
 * How many a second, how late, and what a call costs each process.
 */
import type { Figures } from '../harness/result.js';
import type { CallerReply } from '../rpc/caller-command.js';
import { RpcChain } from '../rpc/rpc-chain.js';
import type { RpcSystem } from '../rpc/rpc-systems.js';
import type { Scale } from '../scale.js';

const IN_FLIGHT = [1, 256, 1_024] as const;
/** Before everything, so that no system is measured while its code is being compiled. */
const FIRST_WARM_IN_FLIGHT = 256;

export interface RpcCallsScale {
  readonly firstWarmMs: number;
  readonly warmMs: number;
  readonly measureMs: number;
}

export const RPC_CALLS_SCALES: Readonly<Record<Scale, RpcCallsScale>> = {
  full: { firstWarmMs: 3_000, warmMs: 700, measureMs: 3_000 },
  quick: { firstWarmMs: 1_200, warmMs: 300, measureMs: 1_200 },
  smoke: { firstWarmMs: 700, warmMs: 50, measureMs: 800 },
};

export async function runRpcCalls(system: RpcSystem, scale: RpcCallsScale): Promise<Figures> {
  const { firstWarmMs, warmMs, measureMs } = scale;
  const chain = await RpcChain.start(system);
  try {
    const caller = chain.startCaller();
    await caller.ask({ do: 'keep', inFlight: FIRST_WARM_IN_FLIGHT, warmMs: 0, measureMs: firstWarmMs, pids: [] });
    const roles = [...chain.pids.keys()];
    const pids = [...chain.pids.values()];
    const levels: [number, CallerReply][] = [];
    for (const inFlight of IN_FLIGHT) {
      levels.push([inFlight, await caller.ask({ do: 'keep', inFlight, warmMs, measureMs, pids })]);
    }
    return Object.fromEntries([
      ...levels.map(([inFlight, { calls, seconds }]) => [`callsPerSecond${inFlight}`, calls / seconds]),
      ...levels.flatMap(([inFlight, { p50Ms, p99Ms }]) => [
        [`p50Ms${inFlight}`, p50Ms],
        [`p99Ms${inFlight}`, p99Ms],
      ]),
      ...levels.flatMap(([inFlight, { calls, cpuSeconds }]) =>
        roles.map((role, i) => [`${role}CpuUs${inFlight}`, ((cpuSeconds[i] ?? Number.NaN) * 1e6) / calls]),
      ),
    ]);
  } finally {
    await chain.stop();
  }
}
