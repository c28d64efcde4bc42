/** Whether caller, broker and worker grow: half of what they can do, for minutes, resident memory of each at minute 1, in the middle and in the end. */
import { residentBytes } from '../harness/process-memory.js';
import type { Figures } from '../harness/result.js';
import { RpcChain } from '../rpc/rpc-chain.js';
import type { RpcSystem } from '../rpc/rpc-systems.js';
import type { Scale } from '../scale.js';

export const MEMORY_MINUTES: Readonly<Record<Scale, number>> = { full: 10, quick: 0.5, smoke: 0.02 };

const IN_FLIGHT = 256;
/** A caller is asked for no more at once: it must answer in time. */
const SLICE_MS = 60_000;
const MB = 1024 * 1024;

export async function runRpcMemory(system: RpcSystem, minutes: number): Promise<Figures> {
  const chain = await RpcChain.start(system);
  try {
    const caller = chain.startCaller();
    const total = minutes * 60_000;
    // What they can do, once their code is compiled.
    const most = await caller.ask({
      ...{ do: 'keep', inFlight: IN_FLIGHT, pids: [] },
      ...{ warmMs: Math.min(3_000, total / 10), measureMs: Math.min(3_000, total / 10) },
    });
    const callsPerSecond = most.calls / most.seconds / 2;
    const resident: [string, number][] = [];
    let [calls, failed, seconds, before] = [0, 0, 0, 0];
    for (const minute of readingsAt(minutes)) {
      for (const measureMs of slices((minute - before) * 60_000)) {
        const reply = await caller.ask({ do: 'pace', callsPerSecond, warmMs: 0, measureMs, pids: [] });
        [calls, failed, seconds] = [calls + reply.calls, failed + reply.failed, seconds + reply.seconds];
      }
      for (const [role, pid] of chain.pids) resident.push([`${role}MbAtMinute${minute}`, residentBytes(pid) / MB]);
      before = minute;
    }
    return {
      ...{ callsPerSecondAtMost: most.calls / most.seconds, callsPerSecond: calls / seconds, failed },
      ...Object.fromEntries(resident),
    };
  } finally {
    await chain.stop();
  }
}

/** Minute 1, the middle and the end; of less than two minutes, parts of them. */
export function readingsAt(minutes: number): readonly number[] {
  return [Math.min(1, minutes / 10), minutes / 2, minutes];
}

/** A time in equal parts of at most a minute. */
export function slices(ms: number): readonly number[] {
  const count = Math.ceil(ms / SLICE_MS);
  return Array.from({ length: count }, () => ms / count);
}
