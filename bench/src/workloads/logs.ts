/**
 * W7: logs that are kept, in LMDB and in Redis: how many appends a second are acknowledged, how long a person who comes back waits for what was
 * missed, what the logs of many take, what a process needs to hand them out to thousands at once, what a page of a long log takes.
 */
import { ControlledProcess } from '../harness/control.js';
import { residentBytes } from '../harness/process-memory.js';
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

export async function runLogs(system: LogSystem, scale: LogsScale): Promise<Figures> {
  const place = await system.start();
  const logs: Logs = new ControlledProcess('systems/im-log/server.js', {
    place: 'anywhere',
    args: [JSON.stringify(place.reach)],
  });
  const clients: Clients = new ControlledProcess('systems/im-log/clients.js', { place: 'anywhere' });
  try {
    const { port = Number.NaN } = await logs.ask({ do: 'where' });
    const bytes = place.bytes ?? (async () => (await logs.ask({ do: 'measure' })).storeBytes ?? Number.NaN);
    return {
      ...(await stored(logs, bytes, scale)),
      ...(await oneByOne(logs, clients, port, scale)),
      ...(await allAtOnce(logs, clients, port, scale)),
      ...(await pages(logs, scale)),
      ...(await appended(logs, scale)),
    };
  } finally {
    await Promise.all([logs.stop(), clients.stop()]);
    await place.stop();
  }
}

async function appended(logs: Logs, { warmMs, appendMs }: LogsScale): Promise<Figures> {
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
async function oneByOne(logs: Logs, clients: Clients, port: number, { users, missed }: LogsScale): Promise<Figures> {
  const first = users;
  await clients.ask({ do: 'meet', first, users: VISITORS, port });
  await logs.ask({ do: 'fill', first, users: VISITORS, each: missed });
  const ms: number[] = [];
  for (let visitor = 0; visitor < VISITORS; visitor += 1) {
    ms.push(...(await clients.ask({ do: 'return', first: first + visitor, users: 1, each: missed, port })).ms);
  }
  return { syncMissed: missed, syncP50Ms: percentile(ms, 50), syncWorstMs: Math.max(...ms) };
}

async function stored(logs: Logs, bytes: () => Promise<number>, { users, messagesEach }: LogsScale): Promise<Figures> {
  const [before, began] = [await bytes(), performance.now()];
  for (let first = 0; first < users; first += FILLED_AT_ONCE) {
    await logs.ask({ do: 'fill', first, users: Math.min(FILLED_AT_ONCE, users - first), each: messagesEach });
  }
  const messages = users * messagesEach;
  return {
    users,
    fillPerSecond: messages / ((performance.now() - began) / 1_000),
    bytesPerMessage: ((await bytes()) - before) / messages,
  };
}

async function allAtOnce(
  logs: Logs,
  clients: Clients,
  port: number,
  { users, returning, messagesEach }: LogsScale,
): Promise<Figures> {
  // They were here before anything was written to them, which those of `stored` were not.
  const first = 2 * users;
  await clients.ask({ do: 'meet', first, users: returning, port });
  await logs.ask({ do: 'fill', first, users: returning, each: messagesEach });
  const { residentBytes: before = Number.NaN } = await logs.ask({ do: 'measure' });
  let most = 0;
  const looking = setInterval(() => {
    most = Math.max(most, residentBytes(logs.pid));
  }, LOOKING_MS);
  const { ms } = await clients.ask({ do: 'return', first, users: returning, each: messagesEach, port });
  clearInterval(looking);
  return {
    returning,
    returnP50Ms: percentile(ms, 50),
    returnWorstMs: Math.max(...ms),
    residentMbBefore: before / 2 ** 20,
    residentMbMost: most / 2 ** 20,
  };
}

async function pages(logs: Logs, { longLog }: LogsScale): Promise<Figures> {
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
