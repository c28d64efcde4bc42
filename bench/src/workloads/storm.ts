/**
 * W6: the connections of all viewers break at once, and all come back at once, while messages are published: how long until the last is in its
 * rooms again, what the priority lane lost, how late the server's event loop was, and what those noticed whose connections held.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ControlledProcess } from '../harness/control.js';
import { HOST } from '../harness/host.js';
import { listenDrops } from '../harness/listen-drops.js';
import { cpuSeconds } from '../harness/process-cpu.js';
import type { Figures } from '../harness/result.js';
import { percentile, sum } from '../harness/statistics.js';
import type { LoadCommand, LoadReply } from '../load/load-command.js';
import type { PublisherCommand, PublisherReply } from '../publisher/publisher-command.js';
import type { Scale } from '../scale.js';
import { ROOM, type RunningSystem, type System } from '../systems.js';

export interface StormScale {
  readonly viewers: number;
  /** Viewers whose connections hold. */
  readonly bystanders: number;
  readonly warmMs: number;
}

export const STORM_SCALES: Readonly<Record<Scale, StormScale>> = {
  full: { viewers: 10_000, bystanders: 200, warmMs: 3_000 },
  quick: { viewers: 2_000, bystanders: 100, warmMs: 1_000 },
  smoke: { viewers: 200, bystanders: 20, warmMs: 300 },
};

/** The first is the one that is spoken in. */
const ROOMS = [ROOM, 'two', 'three'];
const RATES = { normal: 1, priority: 1 };
/** Where bystanders are among themselves, where a server has rooms: so that more can be said to them than those who return could read. */
const BYSTANDERS_ROOMS = ['bystanders', 'two', 'three'];
const BYSTANDERS_RATES = { normal: 10, priority: 10 };
const BODY_BYTES = 150;
/** Load processes for those that are cut; the bystanders have one of their own. */
const PROCESSES = 2;
/** Messages that were on their way when the publisher stopped have come by then. */
const LAST_MS = 1_000;

type Load = ControlledProcess<LoadCommand, LoadReply>;
type Publisher = ControlledProcess<PublisherCommand, PublisherReply>;

export async function runStorm(system: System, { viewers, bystanders, warmMs }: StormScale): Promise<Figures> {
  const loads = Array.from({ length: PROCESSES }, (): Load => new ControlledProcess('load.js', { yields: true }));
  const witness: Load = new ControlledProcess('load.js');
  const publisher: Publisher = new ControlledProcess('publisher.js');
  const toBystanders: Publisher = new ControlledProcess('publisher.js');
  let running: RunningSystem | undefined;
  try {
    running = await system.start();
    const { process: server, port, target } = running;
    const open = (load: Load, dialect: string, rooms: readonly string[], first: number, count: number) =>
      load.ask({ do: 'open', dialect, host: HOST, port, first, count, rooms, sampleEvery: 1 });
    const share = viewers / PROCESSES;
    const hasRooms = target.kind === 'im';
    await Promise.all([
      open(witness, system.dialect, hasRooms ? BYSTANDERS_ROOMS : ROOMS, viewers, bystanders),
      ...loads.map((load, i) => open(load, system.returning ?? system.dialect, ROOMS, i * share, share)),
    ]);
    await publisher.ask({ do: 'start', target, rates: rates(system), bodyBytes: BODY_BYTES });
    if (hasRooms) {
      const room = { ...target, room: BYSTANDERS_ROOMS[0] as string };
      await toBystanders.ask({ do: 'start', target: room, rates: BYSTANDERS_RATES, bodyBytes: BODY_BYTES });
    }
    await sleep(warmMs);
    await Promise.all([witness, ...loads].map((load) => load.ask({ do: 'snapshot' })));
    await server.ask('lag');
    const [cpu, drops, began] = [cpuSeconds(server.pid), listenDrops(), performance.now()];
    const storms = await Promise.all(loads.map((load) => load.ask({ do: 'storm' })));
    const seconds = (performance.now() - began) / 1_000;
    const cpuUs = ((cpuSeconds(server.pid) - cpu) * 1e6) / viewers;
    const refused = listenDrops() - drops;
    const { lagP99Ms, lagMaxMs } = (await server.ask('lag')) as { lagP99Ms: number; lagMaxMs: number };
    const noticed = (await witness.ask({ do: 'snapshot' })).snapshot;
    await sleep(warmMs);
    const { published } = await publisher.ask({ do: 'stop' });
    await toBystanders.ask({ do: 'stop' });
    await sleep(LAST_MS);
    const returned = await Promise.all(loads.map(async (load) => (await load.ask({ do: 'snapshot' })).snapshot));
    const stayed = (await witness.ask({ do: 'snapshot' })).snapshot;
    const seen = [...returned, stayed];
    const backAfterMs = storms.flatMap((reply) => reply.backAfterMs);
    const held = sum(seen, (each) => each.held);
    if (held !== viewers + bystanders) throw new Error(`only ${held} of ${viewers + bystanders} are held`);
    return {
      viewers,
      secondsUntilAllBack: seconds,
      backP50Ms: percentile(backAfterMs, 50),
      backP99Ms: percentile(backAfterMs, 99),
      ...(system.lanes && {
        priorityLost: sum(seen, (each) => each.missing.priority),
        priorityTwice: sum(seen, (each) => each.disordered.priority),
        priorityBehind: published.priority - Math.min(...returned.map(({ lastRead }) => lastRead.priority.lowest)),
        readersMissing: viewers + bystanders - sum(seen, ({ lastRead }) => lastRead.priority.viewers),
        bystandersPriorityP99Ms: percentile(noticed.latenciesMs.priority, 99),
      }),
      bystandersNormalP99Ms: percentile(noticed.latenciesMs.normal, 99),
      bystandersLost: stayed.lostConnections,
      lagP99Ms,
      lagMaxMs,
      askedInVain: refused,
      cpuUsPerReturn: cpuUs,
    };
  } finally {
    const parts = [...loads, witness, publisher, toBystanders];
    await Promise.all([running?.stop(), ...parts.map((part) => part.stop())]);
  }
}

function rates({ lanes }: System): { normal: number; priority: number } {
  return lanes ? RATES : { normal: RATES.normal + RATES.priority, priority: 0 };
}
