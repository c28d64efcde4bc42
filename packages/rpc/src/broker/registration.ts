/** One service of one worker at this broker: its slots, the calls bound to it by a key, and its draining. */
import { wholeMs } from '../deadlines/deadline-lists.js';
import type { BrokerCall } from './broker-call.js';
import { CallQueue } from './call-queue.js';
import type { WorkerPeer } from './worker-peer.js';

/** What `serve` says, checked. */
export interface ServeTerms {
  readonly worker: string;
  readonly service: string;
  readonly version: string;
  readonly methods: readonly string[];
  readonly concurrency: number;
}

export class Registration {
  /** Chosen by the worker; names the registration on its connection. */
  readonly number: number;
  readonly peer: WorkerPeer;
  /** What routing keys are ranked by: the same at every broker. */
  readonly id: string;
  readonly version: string;
  readonly methods: ReadonlySet<string>;
  readonly concurrency: number;
  /** On the monotonic clock. */
  readonly since: number;
  /** Calls whose keys fell to this worker. */
  readonly queue = new CallQueue();
  draining = false;
  /** Slots taken, also by calls whose callers stopped waiting. */
  inFlight = 0;
  /** Calls whose callers wait for this worker. */
  open = 0;

  constructor(number: number, peer: WorkerPeer, terms: ServeTerms, since: number) {
    this.number = number;
    this.peer = peer;
    this.id = `${terms.worker}.${number}`;
    this.version = terms.version;
    this.methods = new Set(terms.methods);
    this.concurrency = terms.concurrency;
    this.since = since;
  }

  get hasRoom(): boolean {
    return this.inFlight < this.concurrency && !this.peer.link.congested;
  }

  /** The worker is told when it drains and every call it had has its answer. */
  handOut(call: BrokerCall, now: number): void {
    this.inFlight++;
    this.peer.inFlight++;
    this.open++;
    call.registration = this;
    this.peer.writer.forwardCall(call, call.token, this.number, wholeMs(call.deadline - now));
    this.peer.touch();
  }
}
