/**
 * One push to 10,000 users beside 10,000 pushes to one each: what does a user cost on the bus, and in the processes of
 * backend, broadcast node and gateway?
 */
import type { Lane } from '@im/protocol';
import { cpuSeconds } from '../harness/process-cpu.js';
import { redisServerMissing } from '../harness/redis-server.js';
import type { Figures } from '../harness/result.js';
import { MulticastChain } from '../multicast/multicast-chain.js';
import type { PushCommand } from '../multicast/multicast-commands.js';
import type { Scale } from '../scale.js';

export interface MulticastCase {
  readonly name: string;
  readonly lane: Lane;
  readonly log: 'memory' | 'redis';
  readonly bodyBytes: number;
  /** Why it cannot be run here. */
  missing(): string | undefined;
}

const present = (): undefined => undefined;

export const multicastCases: readonly MulticastCase[] = [
  { name: 'normal-100', lane: 'normal', log: 'memory', bodyBytes: 100, missing: present },
  { name: 'priority-100', lane: 'priority', log: 'memory', bodyBytes: 100, missing: present },
  { name: 'priority-1000', lane: 'priority', log: 'memory', bodyBytes: 1_000, missing: present },
  { name: 'redis-100', lane: 'priority', log: 'redis', bodyBytes: 100, missing: redisServerMissing },
  { name: 'redis-1000', lane: 'priority', log: 'redis', bodyBytes: 1_000, missing: redisServerMissing },
];

export interface MulticastScale {
  readonly users: number;
  readonly rounds: number;
}

export const MULTICAST_SCALES: Readonly<Record<Scale, MulticastScale>> = {
  full: { users: 10_000, rounds: 10 },
  quick: { users: 10_000, rounds: 5 },
  smoke: { users: 1_000, rounds: 1 },
};

const WAYS = ['single', 'many'] as const;
const PARTS = ['Backend', 'Node', 'Gateway', 'Redis'] as const;

/** On the normal lane a round takes a few hundredths of a second: of fewer rounds the kernel's count of CPU time says little. */
const NORMAL_ROUNDS = 10;

export async function runMulticast(one: MulticastCase, scale: MulticastScale): Promise<Figures> {
  const { lane, bodyBytes, log } = one;
  const { users } = scale;
  const rounds = lane === 'normal' ? scale.rounds * NORMAL_ROUNDS : scale.rounds;
  const command = (way: PushCommand['way'], count: number) => ({ way, users, lane, bodyBytes, rounds: count });
  const figures: Record<string, number> = {};

  const counted = await MulticastChain.start({ log, counts: true });
  try {
    await counted.subscribe(users);
    for (const way of WAYS) {
      const before = counted.bytes;
      await counted.push(command(way, 1));
      figures[`${way}Bytes`] = (counted.bytes - before) / users;
    }
  } finally {
    await counted.stop();
  }

  const chain = await MulticastChain.start({ log, counts: false });
  try {
    await chain.subscribe(users);
    for (const way of WAYS) {
      // The first ones find code that was not compiled.
      await chain.push(command(way, Math.ceil(rounds / 4)));
      const [before, began] = [chain.pids.map(cpuSeconds), performance.now()];
      await chain.push(command(way, rounds));
      figures[`${way}Ms`] = (performance.now() - began) / rounds;
      const cpu = chain.pids.map((pid, i) => ((cpuSeconds(pid) - (before[i] as number)) * 1e6) / (users * rounds));
      for (const [i, part] of PARTS.entries()) figures[`${way}${part}Us`] = cpu[i] ?? Number.NaN;
      figures[`${way}CpuUs`] = cpu.reduce((sum, us) => sum + us, 0);
    }
  } finally {
    await chain.stop();
  }
  return {
    ...figures,
    bytesRatio: (figures.manyBytes as number) / (figures.singleBytes as number),
    cpuRatio: (figures.manyCpuUs as number) / (figures.singleCpuUs as number),
  };
}
