/**
 * The ledger test: a cluster, its audience, steady traffic, and one disturbance after the other, each twice: right after the last
 * message was acknowledged, with nothing behind it that would show a hole, and under load.
 */
import { randomBytes } from 'node:crypto';
import { seededRandom } from '@im/protocol/testing';
import { Audience } from './audience.js';
import { Ledger, type Row } from './books/ledger.js';
import { Cluster } from './cluster.js';
import { backendOnBus, backendOverHttp } from './publishers.js';
import { ALL_STEPS, type Step } from './steps.js';
import { Traffic } from './traffic.js';

export interface LedgerRunOptions {
  readonly clients: number;
  /** Of load, shared out among the steps. */
  readonly seconds: number;
  readonly messagesPerSecond: number;
  /** Chooses who is killed and which message goes when; how processes take turns nobody chooses. */
  readonly seed: number;
  /** Default: all. */
  readonly steps?: readonly Step[];
  readonly onStep?: (rows: readonly Row[]) => void;
}

export interface LedgerReport {
  readonly rows: readonly Row[];
  /** What is wrong, the first of it word for word. */
  readonly faults: readonly string[];
  readonly faultCount: number;
  readonly reconnects: number;
  /** Of them, with their sessions. */
  readonly resumed: number;
}

/** Those of a room. */
const CLIENTS_PER_ROOM = 50;
const MIN_ROOMS = 2;
/** Each so many-th client is the second device of another's user. */
const SECOND_DEVICES = 10;
/** Users who are pushed to. */
const MAX_USERS = 100;

const now = (): number => performance.now();

/** @throws Error when the cluster does not come up, or not back */
export async function runLedger(options: LedgerRunOptions): Promise<LedgerReport> {
  const random = seededRandom(options.seed);
  const ledger = new Ledger(now);
  const jwtSecret = randomBytes(32).toString('hex');
  const rooms = Math.max(MIN_ROOMS, Math.ceil(options.clients / CLIENTS_PER_ROOM));
  const secondDevices = Math.floor(options.clients / SECOND_DEVICES);
  const people = { clients: options.clients, rooms, secondDevices };
  const closers: (() => unknown)[] = [];
  try {
    const cluster = await Cluster.start({ jwtSecret });
    closers.unshift(() => cluster.stop());
    const backends = [await backendOnBus(cluster), await backendOverHttp(cluster)];
    for (const backend of backends) closers.unshift(() => backend.close());
    const groups = [
      ...Audience.roomsOf(people).map((room) => `r:${room}`),
      ...Audience.usersOf(people)
        .slice(0, MAX_USERS)
        .map((user) => `u:${user}`),
      'r:0',
    ];
    const { messagesPerSecond } = options;
    const traffic = new Traffic({ ledger, backends, groups, messagesPerSecond, now, random });
    const audience = await Audience.gather({ ...people, ledger, balancers: cluster.balancers, jwtSecret });
    closers.unshift(() => audience.close());

    const { steps = ALL_STEPS } = options;
    const loadMs = (options.seconds * 1_000) / steps.length;
    for (const step of steps) {
      await step.run({ ledger, cluster, traffic, random, loadMs });
      ledger.closeStep(step.name);
      options.onStep?.(ledger.rows.slice(-2));
    }
    const { reconnects, resumed } = audience;
    const { rows, faults, faultCount } = ledger;
    return { rows, faults, faultCount, reconnects, resumed };
  } finally {
    for (const close of closers) await close();
  }
}
