/**
 * The broker: callers on one side, workers on the other, services between them. State without I/O: transports bring
 * connections as links and messages as frames, whatever kind they are.
 */
import { randomUUID } from 'node:crypto';
import type { Clock, Counter, Logger, Metrics, Timer } from '@im/protocol/ports';
import { DeadlineLists } from '../deadlines/deadline-lists.js';
import { type BrokerCall, OpenCalls } from './broker-call.js';
import { BrokerService } from './broker-service.js';
import { CallerPeer } from './caller-peer.js';
import type { PeerLink } from './peer.js';
import { DEADLINE_EXCEEDED, refusalWith } from './refusals.js';
import type { EntryLimits } from './service-entry.js';
import { ServiceTable } from './service-table.js';
import { Taps } from './taps.js';
import { Turn } from './turn.js';
import { type Served, WorkerPeer } from './worker-peer.js';

export interface BrokerCoreOptions {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly maxBodyBytes: number;
  readonly maxServices: number;
  readonly maxOpenCalls: number;
  readonly maxKeptBytes: number;
  limitsOf(service: string): EntryLimits;
  /** How long calls wait for the workers of a service after the last was lost, and after the broker has started. */
  readonly graceMs: number;
}

/** Liveness and compaction are looked after this often. */
const ROUND_MS = 500;
/** Broker deadlines are for those who do not watch them themselves. */
const DEADLINE_STEP_MS = 10;

export class BrokerCore {
  /** Another one after each start. */
  readonly instance = randomUUID();
  readonly turn: Turn;
  readonly calls: OpenCalls;
  readonly deadlines: DeadlineLists<BrokerCall>;
  readonly taps: Taps;
  readonly table: ServiceTable;
  readonly brokerService: BrokerService;
  readonly callers = new Set<CallerPeer>();
  readonly workers = new Set<WorkerPeer>();
  readonly maxBodyBytes: number;
  readonly maxKeptBytes: number;
  readonly tooLarge: string;

  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #graceMs: number;
  readonly #malformed: Counter;
  readonly #timers = new Set<Timer>();
  #round: Timer | undefined;
  #loopTurned = true;
  #closed = false;

  constructor(options: BrokerCoreOptions) {
    const { clock, logger, metrics, maxBodyBytes, maxKeptBytes, maxServices, maxOpenCalls, limitsOf, graceMs } =
      options;
    this.#clock = clock;
    this.#logger = logger;
    this.#graceMs = graceMs;
    this.maxBodyBytes = maxBodyBytes;
    this.maxKeptBytes = maxKeptBytes;
    this.tooLarge = refusalWith('BODY_TOO_LARGE', { part: 'body', limitBytes: maxBodyBytes });
    this.turn = new Turn(clock);
    this.calls = new OpenCalls(maxOpenCalls);
    this.deadlines = new DeadlineLists(clock, (call) => this.#expire(call), DEADLINE_STEP_MS);
    this.taps = new Taps(this.turn);
    const environment = { turn: this.turn, calls: this.calls, deadlines: this.deadlines, metrics, taps: this.taps };
    this.table = new ServiceTable({ environment, maxServices, limitsOf, graceUntil: this.turn.now + graceMs });
    this.brokerService = new BrokerService(this.table, this.taps);
    this.#malformed = metrics.counter('im_rpc_malformed_total', { help: 'Messages the broker did not understand' });
    metrics.observe('im_rpc_open_calls', { help: 'Calls the broker holds' }, () => this.calls.size);
    metrics.observe('im_rpc_callers', { help: 'Connections of callers' }, () => this.callers.size);
    metrics.observe('im_rpc_workers', { help: 'Connections of workers' }, () => this.workers.size);
    if (graceMs > 0) this.#after(graceMs, () => this.table.endGrace());
  }

  readonly onMalformed = (): void => {
    this.#malformed.add();
  };

  acceptCaller(link: PeerLink): CallerPeer {
    const peer = new CallerPeer(link, this);
    this.callers.add(peer);
    return peer;
  }

  acceptWorker(link: PeerLink): WorkerPeer {
    const peer = new WorkerPeer(link, this);
    this.workers.add(peer);
    return peer;
  }

  /** A worker is gone with all that it served. */
  lose(peer: WorkerPeer, served: readonly Served[]): void {
    for (const { entry, registration } of served) {
      const { id, version, open } = registration;
      this.#logger.warn('a worker was lost', { service: entry.name, worker: id, version, calls: open });
      entry.withdraw(registration, this.#graceMs);
    }
    // Not for nothing: it looks at every place a call may have.
    if (peer.inFlight > 0) for (const call of this.calls.at(peer)) call.service.lose(call);
    for (const { entry, registration } of served) {
      entry.replace(registration);
      if (entry.absentUntil > this.turn.now) this.#after(this.#graceMs, () => entry.endAbsence());
    }
  }

  close(): void {
    this.#closed = true;
    this.#round?.cancel();
    for (const timer of this.#timers) timer.cancel();
    this.deadlines.close();
  }

  #expire(call: BrokerCall): void {
    this.turn.begin();
    call.service.giveUp(call, DEADLINE_EXCEEDED, 1);
  }

  #after(delayMs: number, run: () => void): void {
    const timer = this.#clock.after(
      delayMs,
      () => {
        this.#timers.delete(timer);
        this.turn.begin();
        run();
      },
      { background: true },
    );
    this.#timers.add(timer);
  }

  /** Looks after liveness and memory from now on, until there is neither a call, a tap nor a worker that promised to ping. */
  watch(): void {
    if (this.#round === undefined && !this.#closed) {
      this.#round = this.#clock.after(ROUND_MS, () => this.#look(), { background: true });
    }
  }

  /** A round counts only if the event loop read messages since the last: a stall of ours makes nobody dead. */
  #look(): void {
    this.#round = undefined;
    let isNeeded = this.calls.size > 0 || this.taps.isOpen;
    for (const { pingMs } of this.workers) isNeeded ||= pingMs !== undefined;
    if (isNeeded) this.watch();
    if (!this.#loopTurned) return;
    this.#loopTurned = false;
    setImmediate(() => {
      this.#loopTurned = true;
    });
    this.turn.begin();
    this.#findSilent();
    this.taps.endForgotten(ROUND_MS);
    this.calls.compact();
  }

  #findSilent(): void {
    for (const worker of this.workers) {
      if (worker.pingMs === undefined || ++worker.silentRounds * ROUND_MS <= 3 * worker.pingMs + ROUND_MS) continue;
      this.#logger.warn('a worker is silent', { silentMs: worker.silentRounds * ROUND_MS });
      worker.silentRounds = 0;
      worker.silent();
    }
  }
}
