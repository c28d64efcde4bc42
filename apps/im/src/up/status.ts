/** Owns: how a running `im up` is: each process with what it does, and what is not as it should be. Pure. */
import type { ChildStatus } from '@im/runtime';
import type { Figures } from './figure-text.js';

export type Role = 'redis' | 'nats' | 'broker' | 'manager' | 'broadcast-node' | 'worker' | 'gateway' | 'bots';

export interface ProcessStatus {
  readonly name: string;
  readonly role: Role;
  /** `running` is as it should be; `replacing` while an update starts its successor. */
  readonly state: ChildStatus['state'];
  readonly pid?: number | undefined;
  /** Where others reach it. */
  readonly address?: string | undefined;
  /** When it became ready, ISO 8601. */
  readonly since?: string | undefined;
  /** How often it was started again because it had ended by itself. */
  readonly restarts: number;
  /**
   * Of every process of ours `cpu` (1 is one core), `memoryBytes` and `lagMs` (p99); by role `connections`, `groups`, `messagesPerSecond`,
   * `callsPerSecond`, `peers`, `callers`, `workers`, `openCalls`, `nodes`, `epoch`. Without those that are not known.
   */
  readonly figures: Readonly<Record<string, number>>;
}

export interface UpStatus {
  readonly healthy: boolean;
  /** What is not as it should be, a line each. */
  readonly problems: readonly string[];
  readonly engine: 'zeromq' | 'redis' | 'nats';
  /** Of `im up` itself. */
  readonly pid: number;
  readonly since: string;
  /** Of the cluster's topology, as the node managers publish it; absent without any. */
  readonly topology?: { readonly epoch: number; readonly nodes: number } | undefined;
  /** In the order of their start. */
  readonly processes: readonly ProcessStatus[];
}

/** One process, and its figures at two moments; none where it does not answer. */
interface Observed {
  readonly role: Role;
  readonly address?: string | undefined;
  readonly child: ChildStatus;
  readonly before?: Figures | undefined;
  readonly after?: Figures | undefined;
}

export interface Observation {
  readonly engine: UpStatus['engine'];
  readonly pid: number;
  readonly sinceMs: number;
  /** Between the two moments. */
  readonly elapsedMs: number;
  readonly processes: readonly Observed[];
}

/** Figure of ours, how to read it (`times`: how often a second something was measured), and its name in Prometheus text. */
type Reading = readonly [name: string, kind: 'level' | 'rate' | 'times', figure: string, labels?: string];

const COMMON: readonly Reading[] = [
  ['cpu', 'rate', 'im_process_cpu_seconds'],
  ['memoryBytes', 'level', 'im_process_resident_bytes'],
];

const BY_ROLE: Readonly<Record<Role, readonly Reading[]>> = {
  redis: [],
  nats: [],
  bots: [],
  broker: [
    ['callers', 'level', 'im_rpc_callers'],
    ['workers', 'level', 'im_rpc_workers'],
    ['openCalls', 'level', 'im_rpc_open_calls'],
  ],
  manager: [
    ['nodes', 'level', 'im_cluster_nodes'],
    ['epoch', 'level', 'im_cluster_epoch'],
  ],
  'broadcast-node': [
    ['peers', 'level', 'im_broadcast_peers'],
    ['groups', 'level', 'im_broadcast_subscriptions'],
    ['messagesPerSecond', 'rate', 'im_broadcast_published_total'],
  ],
  worker: [['callsPerSecond', 'rate', 'im_rpc_calls_total', 'side="worker"']],
  gateway: [
    ['connections', 'level', 'im_gateway_connections'],
    ['groups', 'level', 'im_gateway_groups'],
    ['messagesPerSecond', 'rate', 'im_groups_deliveries_total'],
    ['callsPerSecond', 'times', 'im_gateway_call_seconds'],
  ],
};

const JOIN_CLUSTER: readonly Role[] = ['broker', 'broadcast-node', 'worker', 'gateway'];
/** Programs of others, and simulated viewers, tell no figures. */
const SILENT: readonly Role[] = ['redis', 'nats', 'bots'];

export function statusOf(observation: Observation): UpStatus {
  const { engine, pid, sinceMs, processes } = observation;
  const problems = processes.flatMap((one) => problemsOf(one, processes));
  const managers = processes.filter(({ role, after }) => role === 'manager' && after !== undefined);
  const level = (name: string): number => Math.max(...managers.map(({ after }) => after?.sum(name) ?? 0));
  return {
    healthy: problems.length === 0,
    problems,
    engine,
    pid,
    since: new Date(sinceMs).toISOString(),
    topology:
      managers.length === 0 ? undefined : { epoch: level('im_cluster_epoch'), nodes: level('im_cluster_nodes') },
    processes: processes.map((one) => processStatus(one, observation.elapsedMs)),
  };
}

function processStatus({ role, address, child, before, after }: Observed, elapsedMs: number): ProcessStatus {
  const { state, pid, readySince, restarts } = child;
  const figures: Record<string, number> = {};
  for (const [key, kind, name, labels] of [...COMMON, ...BY_ROLE[role]]) {
    const figure = kind === 'times' ? `${name}_count` : name;
    const now = after?.sum(figure, labels);
    if (after === undefined || (kind === 'level' && now === undefined)) continue;
    // What has not been counted yet has not happened.
    const [then = 0, last = 0] = [before?.sum(figure, labels), now];
    figures[key] = kind === 'level' ? last : round(Math.max(0, last - then) / (elapsedMs / 1_000));
  }
  const lag = after?.sum('im_process_event_loop_lag_seconds', 'quantile="0.99"');
  if (lag !== undefined) figures.lagMs = round(lag * 1_000);
  const since = readySince === undefined ? undefined : new Date(readySince).toISOString();
  return { name: child.name, role, state, pid, address, since, restarts, figures };
}

function problemsOf({ role, child, after }: Observed, all: readonly Observed[]): string[] {
  const { name, state } = child;
  if (state !== 'running' && state !== 'replacing') return [`${name} is ${STATES[state]}`];
  if (SILENT.includes(role)) return [];
  if (after === undefined) return [`${name} does not answer`];
  const problems: string[] = [];
  if (after.sum('im_redis_available') === 0) problems.push(`${name} has no Redis`);
  if (after.sum('im_timeline_standing_in')) problems.push(`${name} keeps rooms in memory: their store is away`);
  const running = (wanted: readonly Role[]): number =>
    all.filter((one) => wanted.includes(one.role) && isWorking(one)).length;
  // Bridges of other cells have labels, and cannot stand in for nodes.
  const reached = after.plain('im_broadcast_nodes');
  const nodes = running(['broadcast-node']);
  if (reached !== undefined && reached < nodes) problems.push(`${name} reaches ${reached} of ${nodes} broadcast nodes`);
  if (role !== 'manager') return problems;
  const known = after.sum('im_cluster_nodes') ?? 0;
  const members = running(JOIN_CLUSTER);
  if (known < members) problems.push(`${name} hears ${known} of ${members} processes`);
  const [held, refused] = [after.sum('im_cluster_held_back_nodes'), after.sum('im_cluster_refused_nodes')];
  if (held) problems.push(`${name} holds back the loss of ${held} nodes: see /v1/journal`);
  if (refused) problems.push(`${name} refuses ${refused} nodes: see /v1/journal`);
  return problems;
}

/** As people say it. */
const STATES: Readonly<Record<ChildStatus['state'], string>> = {
  stopped: 'stopped: im scale starts it again',
  starting: 'starting',
  running: 'running',
  replacing: 'being replaced',
  waiting: 'dead: it is started again in a moment',
  stopping: 'stopping',
  failed: 'given up',
};

function isWorking({ child }: Observed): boolean {
  return child.state === 'running' || child.state === 'replacing';
}

/** Three digits are enough for people, and stable enough for scripts. */
function round(value: number): number {
  return Number(value.toPrecision(3));
}
