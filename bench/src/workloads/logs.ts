/**
 * W7: logs that are kept, in LMDB and in Redis: how many appends a second are acknowledged, how long a person who comes back waits for what was
 * missed, what the logs of many take, what a process needs to hand them out to thousands at once, what a page of a long log takes.
 */
import { ControlledProcess } from '../harness/control.js';
import { ownBytes, residentBytes } from '../harness/process-memory.js';
import type { Figures } from '../harness/result.js';
import { percentile } from '../harness/statistics.js';
import type { ClientsCommand, ClientsReply, LogCommand, LogReply } from '../log/log-commands.js';
import type { LogSystem } from '../log/log-systems.js';
import type { Scale } from '../scale.js';

export interface LogsScale {
  readonly warmMs: number;
  readonly appendMs: number;
  readonly users: number;
  readonly messagesEach: number;
  /** Of the users, those who come back at once. */
  readonly returning: number;
  /** Missed by those who come back one by one. */
  readonly missed: number;
  readonly longLog: number;
}

export const LOGS_SCALES: Readonly<Record<Scale, LogsScale>> = {
  full: {
    ...{ warmMs: 2_000, appendMs: 8_000, users: 100_000, messagesEach: 100, returning: 5_000 },
    ...{ missed: 1_000, longLog: 1_000_000 },
  },
  quick: {
    ...{ warmMs: 1_000, appendMs: 3_000, users: 10_000, messagesEach: 100, returning: 2_000 },
    ...{ missed: 1_000, longLog: 100_000 },
  },
  smoke: {
    ...{ warmMs: 50, appendMs: 200, users: 200, messagesEach: 5, returning: 50 },
    ...{ missed: 100, longLog: 1_000 },
  },
};

const WRITERS = [1, 64, 512];
/** Of those who come back one by one. */
const VISITORS = 20;
/** Groups that are appended to in turn. */
const SCATTERED = 10_000;
const PAGE = 50;
const PAGES = 200;
const LONG = 'g:long';
const LOOKING_MS = 20;
/** Users; a command is to be answered within minutes. */
const FILLED_AT_ONCE = 10_000;

type Clients = ControlledProcess<ClientsCommand, ClientsReply>;
type Logs = ControlledProcess<LogCommand, LogReply>;

interface Stage {
  readonly logs: Logs;
  readonly clients: Clients;
  readonly port: number;
  readonly scale: LogsScale;
  /** What all logs take. */
  readonly bytes: () => Promise<number>;
}

/** In this order; each can be run without the others. */
const PARTS: Readonly<Record<string, (stage: Stage) => Promise<Figures>>> = {
  users: ofManyUsers,
  sync: oneByOne,
  pages,
  appends: appended,
};

export const LOG_PARTS: readonly string[] = Object.keys(PARTS);

/** @param parts of {@link LOG_PARTS} @throws Error for one that is none of these */
export async function runLogs(system: LogSystem, scale: LogsScale, parts = LOG_PARTS): Promise<Figures> {
  const unknown = parts.find((part) => !LOG_PARTS.includes(part));
  if (unknown !== undefined) throw new Error(`no part ${unknown}: choose of ${LOG_PARTS.join(', ')}`);
  const place = await system.start();
  const logs: Logs = new ControlledProcess('systems/im-log/server.js', {
    place: place.place,
    args: [JSON.stringify(place.reach)],
  });
  const clients: Clients = new ControlledProcess('systems/im-log/clients.js', { place: 'anywhere' });
  try {
    const { port = Number.NaN } = await logs.ask({ do: 'where' });
    const bytes = place.bytes ?? (async () => (await logs.ask({ do: 'measure' })).storeBytes ?? Number.NaN);
    const figures: Record<string, number> = {};
    for (const [name, run] of Object.entries(PARTS)) {
      if (parts.includes(name)) Object.assign(figures, await run({ logs, clients, port, scale, bytes }));
    }
    return figures;
  } finally {
    await Promise.all([logs.stop(), clients.stop()]);
    await place.stop();
  }
}

async function appended({ logs, scale: { warmMs, appendMs } }: Stage): Promise<Figures> {
  const figures: Record<string, number> = {};
  for (const writers of WRITERS) {
    const reply = await logs.ask({ do: 'append', writers, groups: writers, warmMs, forMs: appendMs });
    figures[`appendsPerSecond${writers}`] = reply.perSecond ?? Number.NaN;
    figures[`appendP50Ms${writers}`] = reply.p50Ms ?? Number.NaN;
    figures[`appendP99Ms${writers}`] = reply.p99Ms ?? Number.NaN;
    figures[`appendCpuUs${writers}`] = reply.cpuUs ?? Number.NaN;
  }
  const scattered = await logs.ask({ do: 'append', writers: 512, groups: SCATTERED, warmMs, forMs: appendMs });
  return { ...figures, appendsPerSecondScattered: scattered.perSecond ?? Number.NaN };
}

/** The first ones find code that was not compiled, so the median counts. */
async function oneByOne({ logs, clients, port, scale: { users, missed } }: Stage): Promise<Figures> {
  const first = users;
  await clients.ask({ do: 'meet', first, users: VISITORS, port });
  await logs.ask({ do: 'fill', first, users: VISITORS, each: missed });
  const ms: number[] = [];
  for (let visitor = 0; visitor < VISITORS; visitor += 1) {
    ms.push(...(await clients.ask({ do: 'return', first: first + visitor, users: 1, each: missed, port })).ms);
  }
  return { syncMissed: missed, syncP50Ms: percentile(ms, 50), syncWorstMs: Math.max(...ms) };
}

/** What is written to many while they are away, and read by thousands of them who come back in one turn. */
async function ofManyUsers({ logs, clients, port, scale, bytes }: Stage): Promise<Figures> {
  const { users, messagesEach: each, returning } = scale;
  const storeBytes = await bytes();
  await clients.ask({ do: 'meet', first: 0, users: returning, port });
  const began = performance.now();
  for (let first = 0; first < users; first += FILLED_AT_ONCE) {
    await logs.ask({ do: 'fill', first, users: Math.min(FILLED_AT_ONCE, users - first), each });
  }
  const fillSeconds = (performance.now() - began) / 1_000;
  const bytesPerMessage = ((await bytes()) - storeBytes) / (users * each);
  const { residentBytes: before = Number.NaN } = await logs.ask({ do: 'measure' });
  const ownBefore = ownBytes(logs.pid);
  let [most, ownMost] = [0, 0];
  const looking = setInterval(() => {
    most = Math.max(most, residentBytes(logs.pid));
    ownMost = Math.max(ownMost, ownBytes(logs.pid));
  }, LOOKING_MS);
  const { ms } = await clients.ask({ do: 'return', first: 0, users: returning, each, port });
  clearInterval(looking);
  return {
    ...{ users, fillPerSecond: (users * each) / fillSeconds, bytesPerMessage },
    ...{ returning, returnP50Ms: percentile(ms, 50), returnWorstMs: Math.max(...ms) },
    ...{ residentMbBefore: before / 2 ** 20, residentMbMost: most / 2 ** 20 },
    ...{ ownMbBefore: ownBefore / 2 ** 20, ownMbMost: ownMost / 2 ** 20 },
  };
}

async function pages({ logs, scale: { longLog } }: Stage): Promise<Figures> {
  await logs.ask({ do: 'lengthen', group: LONG, entries: longLog });
  const page = async (after: number): Promise<number> =>
    (await logs.ask({ do: 'page', group: LONG, after, times: PAGES })).p50Ms ?? Number.NaN;
  await page(0);
  return {
    longLog,
    pageMsAt100: await page(100),
    pageMsInTheMiddle: await page(longLog / 2),
    pageMsAtTheEnd: await page(longLog - PAGE),
  };
}
