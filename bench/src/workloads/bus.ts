/**
 * W5: publisher, broadcast node and subscriber as three processes, bodies of 100 bytes, one hot group and 10,000 groups: how
 * many messages arrive a second, what one costs each process, how late a lone one is.
 */
import { BusChain } from '../bus/bus-chain.js';
import type { BusSystem } from '../bus/bus-systems.js';
import type { Figures } from '../harness/result.js';
import type { Scale } from '../scale.js';

export interface BusScale {
  readonly warmMs: number;
  readonly measureMs: number;
  readonly manyGroups: number;
  readonly loneMessages: number;
}

export const BUS_SCALES: Readonly<Record<Scale, BusScale>> = {
  full: { warmMs: 2_000, measureMs: 4_000, manyGroups: 10_000, loneMessages: 1_000 },
  quick: { warmMs: 800, measureMs: 1_500, manyGroups: 10_000, loneMessages: 300 },
  smoke: { warmMs: 100, measureMs: 300, manyGroups: 100, loneMessages: 20 },
};

const LONE_EVERY_MS = 3;

export async function runBus(
  system: BusSystem,
  { warmMs, measureMs, manyGroups, loneMessages }: BusScale,
): Promise<Figures> {
  const chain = await BusChain.start(system);
  const { publisher, subscriber, pids } = chain;
  const flood = async (name: string, groups: number): Promise<Figures> => {
    await subscriber.ask({ do: 'subscribe', groups });
    await publisher.ask({ do: 'flood', groups });
    const { messages, lost, seconds, cpuSeconds } = await subscriber.ask({ do: 'count', warmMs, measureMs, pids });
    await publisher.ask({ do: 'stop' });
    const cost = (of: number) => ((cpuSeconds[of] ?? Number.NaN) * 1e6) / messages;
    return {
      [`perSecond${name}`]: messages / seconds,
      [`lost${name}`]: lost / seconds,
      [`publisherCpuUs${name}`]: cost(0),
      [`nodeCpuUs${name}`]: cost(1),
      [`subscriberCpuUs${name}`]: cost(2),
    };
  };
  try {
    await subscriber.ask({ do: 'subscribe', groups: 1 });
    const lone = { do: 'lone', count: loneMessages, everyMs: LONE_EVERY_MS } as const;
    // The first ones find code that was not compiled.
    await publisher.ask(lone);
    await subscriber.ask({ do: 'latencies' });
    await publisher.ask(lone);
    const { p50Ms, p99Ms } = await subscriber.ask({ do: 'latencies' });
    return {
      ...(await flood('Hot', 1)),
      ...(await flood('Many', manyGroups)),
      loneP50Ms: p50Ms,
      loneP99Ms: p99Ms,
    };
  } finally {
    await chain.stop();
  }
}
