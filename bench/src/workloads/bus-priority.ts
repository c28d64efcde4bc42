/**
 * How late messages of the priority lane are, alone and while a publisher floods the node with normal ones: 100 a
 * second, to a subscriber that gets everything. The flood takes all that the others leave of the processor, and no more:
 * it stands for publishers on other machines, which do not take time from the node.
 */
import { BusChain } from '../bus/bus-chain.js';
import type { BusSystem } from '../bus/bus-systems.js';
import type { Figures } from '../harness/result.js';
import type { Scale } from '../scale.js';

export interface BusPriorityScale {
  readonly gifts: number;
  readonly groups: number;
}

export const BUS_PRIORITY_SCALES: Readonly<Record<Scale, BusPriorityScale>> = {
  full: { gifts: 2_000, groups: 10_000 },
  quick: { gifts: 500, groups: 10_000 },
  smoke: { gifts: 30, groups: 100 },
};

const EVERY_MS = 10;
const WARM_MS = 500;

export async function runBusPriority(system: BusSystem, { gifts, groups }: BusPriorityScale): Promise<Figures> {
  const chain = await BusChain.start(system, { leftovers: true });
  const { subscriber, publisher } = chain;
  const giver = chain.startGiver();
  const give = async (name: string): Promise<Figures> => {
    const warm = await giver.ask({ do: 'send', count: WARM_MS / EVERY_MS, everyMs: EVERY_MS });
    await subscriber.ask({ do: 'gifts', expected: warm.messages });
    const measureMs = gifts * EVERY_MS;
    const [{ messages: versioned }, counted] = await Promise.all([
      giver.ask({ do: 'send', count: gifts, everyMs: EVERY_MS }),
      subscriber.ask({ do: 'count', warmMs: 0, measureMs, pids: chain.pids }),
    ]);
    const { messages, p50Ms, p99Ms } = await subscriber.ask({ do: 'gifts', expected: versioned });
    return {
      [`p50Ms${name}`]: p50Ms,
      [`p99Ms${name}`]: p99Ms,
      [`lost${name}`]: versioned - messages,
      [`normalPerSecond${name}`]: counted.messages / counted.seconds,
      [`nodeCores${name}`]: (counted.cpuSeconds[1] ?? Number.NaN) / counted.seconds,
    };
  };
  try {
    await subscriber.ask({ do: 'subscribe', groups });
    await giver.ask({ do: 'prepare' });
    const alone = await give('Alone');
    await publisher.ask({ do: 'flood', groups: 1 });
    const hot = await give('Hot');
    await publisher.ask({ do: 'stop' });
    await publisher.ask({ do: 'flood', groups });
    const many = await give('Many');
    await publisher.ask({ do: 'stop' });
    return { ...alone, ...hot, ...many };
  } finally {
    await chain.stop();
  }
}
