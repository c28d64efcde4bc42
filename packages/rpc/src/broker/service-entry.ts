/**
 * The broker's rules of one service: what is handed out, what waits, what is refused, what becomes of calls whose worker or
 * caller goes. State alone: it writes records to peers, and reads no clock but the turn's.
 */
import type { ErrorName } from '@im/protocol';
import type { Metrics } from '@im/protocol/ports';
import type { DeadlineLists } from '../deadlines/deadline-lists.js';
import type { BrokerCall, OpenCalls } from './broker-call.js';
import { CallQueue } from './call-queue.js';
import { CircuitBreaker, type Outcome } from './circuit-breaker.js';
import { BREAKER_OPEN, CALL_LOST, DEADLINE_EXCEEDED, NO_ANSWER, refusal } from './refusals.js';
import type { Registration } from './registration.js';
import { type ServiceCounts, ServiceFigures } from './service-figures.js';
import { ServiceWorkers } from './service-workers.js';
import type { Taps } from './taps.js';
import type { Turn } from './turn.js';

/** What all services of a broker share. */
export interface ServiceEnvironment {
  readonly turn: Turn;
  readonly calls: OpenCalls;
  readonly deadlines: DeadlineLists<BrokerCall>;
  readonly metrics: Metrics;
  readonly taps: Taps;
}

export interface EntryLimits {
  readonly queueLimit: number;
  readonly concurrency: number;
}

/** A call that took this many workers with it is not given to another. */
const MAX_LOSSES = 3;

export class ServiceEntry {
  readonly name: string;
  readonly limits: EntryLimits;
  readonly workers = new ServiceWorkers();
  readonly breaker = new CircuitBreaker();
  /** Whether any worker ever served it here. */
  everServed = false;
  /** Of the messages that its open calls keep. */
  keptBytes = 0;
  /** Until then calls wait for a worker to come back instead of being refused. Monotonic. */
  absentUntil = 0;

  readonly #queue = new CallQueue();
  readonly #environment: ServiceEnvironment;
  readonly #figures = new ServiceFigures();
  /** In all queues together. */
  #queued = 0;
  #running = 0;
  #nextSequence = 0;

  constructor(name: string, limits: EntryLimits, environment: ServiceEnvironment) {
    this.name = name;
    this.limits = limits;
    this.#environment = environment;
  }

  get counts(): ServiceCounts {
    return this.#figures.counts;
  }

  get queued(): number {
    return this.#queued;
  }

  /** Slots taken at its workers. */
  get running(): number {
    return this.#running;
  }

  add(registration: Registration): void {
    if (!this.everServed) this.#figures.publish(this.#environment.metrics, this.name, this);
    this.everServed = true;
    this.workers.add(registration);
    // What waited for any worker at all may have found its owner, or nobody with its method.
    this.#placeAgain(this.#queue);
    this.fill(registration);
  }

  /** What waits for the worker goes to others; the worker is told when what it has is answered. */
  drain(registration: Registration): void {
    if (!this.workers.drain(registration)) return;
    this.#placeAgain(registration.queue);
    // With another worker gone, calls may wait for a method that nobody is left to serve.
    this.#placeAgain(this.#queue);
    this.#withdrawIfDone(registration);
  }

  /** The worker is gone; its calls are lost one by one, and then what waits is placed anew. @param graceMs how long calls wait for another, if it was the last */
  withdraw(registration: Registration, graceMs: number): void {
    if (this.workers.remove(registration)) this.absentUntil = this.#environment.turn.now + graceMs;
  }

  /** A call whose worker is gone: repeated where that is harmless. */
  lose(call: BrokerCall): void {
    const { turn } = this.#environment;
    this.#running--;
    if (call.registration !== undefined) call.registration.peer.inFlight--;
    call.registration = undefined;
    if (call.stage === 'abandoned') {
      call.tellError(CALL_LOST);
      this.#release(call);
      return;
    }
    call.losses++;
    if (call.isRepeatable && call.losses < MAX_LOSSES) {
      this.breaker.record('failed', call.isProbe, turn.now);
      call.isProbe = false;
      this.#place(call);
      return;
    }
    this.#end(call, CALL_LOST, 'failed', 'CALL_LOST');
  }

  /** What waited for a worker that is gone goes to others. */
  replace(registration: Registration): void {
    this.#placeAgain(registration.queue);
    this.#placeAgain(this.#queue);
    this.#fillAll();
  }

  /** Nobody came back: what waits is refused. */
  endAbsence(): void {
    if (this.workers.serving.length === 0) this.#placeAgain(this.#queue);
  }

  /** A new call: to a worker, into the queue, or refused. */
  submit(call: BrokerCall): void {
    this.#figures.call();
    const admission = this.breaker.admit(this.#environment.turn.now);
    if (admission === 'refuse') {
      this.#end(call, BREAKER_OPEN, 'neither', 'UNAVAILABLE');
      return;
    }
    call.isProbe = admission === 'probe';
    call.sequence = this.#nextSequence++;
    this.#place(call);
  }

  /**
   * The caller stops waiting, whatever the worker does.
   * @param error what it is told, by whether a worker may have begun; undefined when it is told nothing
   * @param reason of the cancellation: 0 cancelled, 1 deadline
   */
  giveUp(
    call: BrokerCall,
    error: { readonly before: string; readonly after: string } | undefined,
    reason: number,
  ): void {
    if (call.stage === 'waiting') {
      this.#unqueue(call);
      this.#end(call, error === undefined ? undefined : call.handedOut ? error.after : error.before, 'neither');
      return;
    }
    if (call.stage !== 'running') return;
    const { deadlines, turn } = this.#environment;
    const registration = call.registration as Registration;
    deadlines.remove(call);
    call.stage = 'abandoned';
    registration.peer.writer.cancel(call.token, reason);
    registration.peer.touch();
    this.breaker.record(reason === 1 ? 'failed' : 'neither', call.isProbe, turn.now);
    call.isProbe = false;
    this.#figures.fail();
    this.#environment.taps.ended(call, reason === 1 ? 'DEADLINE_EXCEEDED' : 'CANCELLED', 0);
    if (error !== undefined) call.tellError(error.after);
    if (error === undefined || !call.wantsLate) call.forgetCaller();
    this.#closeAt(registration);
  }

  /** The worker answered: the reader of its peer stands at the record, which is passed on. @param error name of the error, if it is one */
  answered(call: BrokerCall, error: string | undefined, bytes: number): void {
    const registration = call.registration as Registration;
    const { turn, taps } = this.#environment;
    if (call.stage === 'running') {
      const outcome: Outcome = error === 'INTERNAL' ? 'failed' : 'answered';
      this.breaker.record(outcome, call.isProbe, turn.now);
      if (error !== undefined) this.#figures.fail();
      if (taps.isOpen) taps.ended(call, error, bytes);
      registration.open--;
    } else if (call.caller !== undefined && error === undefined) this.#figures.late();
    registration.inFlight--;
    registration.peer.inFlight--;
    this.#running--;
    this.#release(call);
    if (registration.draining) this.#withdrawIfDone(registration);
    else this.fill(registration);
    if (this.limits.concurrency !== Number.POSITIVE_INFINITY) this.#fillAll();
  }

  /** The worker answered what is no answer: its caller is told, its slot is free. */
  answeredNothing(call: BrokerCall): void {
    call.tellError(NO_ANSWER);
    this.answered(call, 'INTERNAL', 0);
  }

  /** Gives free slots to those who have waited longest. */
  fill(registration: Registration): void {
    while (
      this.#queued > 0 &&
      !registration.draining &&
      registration.hasRoom &&
      this.#running < this.limits.concurrency
    ) {
      const call = this.#longestWaiting(registration);
      if (call === undefined) return;
      this.#unqueue(call);
      this.#handOut(call, registration);
    }
  }

  #fillAll(): void {
    if (this.#queued > 0) for (const registration of this.workers.serving) this.fill(registration);
  }

  #place(call: BrokerCall): void {
    const { turn } = this.#environment;
    call.stage = 'waiting';
    if (this.workers.serving.length === 0) {
      if (turn.now >= this.absentUntil) this.#refuse(call, this.everServed ? 'UNAVAILABLE' : 'SERVICE_UNKNOWN');
      else this.#wait(call, this.#queue);
      return;
    }
    const choice = this.workers.choose(call);
    if (choice === undefined) this.#refuse(call, 'METHOD_UNKNOWN');
    else if (choice.hasRoom && this.#running < this.limits.concurrency) this.#handOut(call, choice);
    else this.#wait(call, call.affinity === undefined ? this.#queue : choice.queue);
  }

  #wait(call: BrokerCall, queue: CallQueue): void {
    if (this.#queued >= this.limits.queueLimit) {
      this.#figures.overload();
      this.#refuse(call, 'OVERLOADED');
      return;
    }
    call.compact();
    this.#queued++;
    queue.push(call);
  }

  #placeAgain(queue: CallQueue): void {
    // Calls that must wait again come back to the same queue's end: each is placed once, and the order stays.
    const last = queue.last;
    for (let call = queue.first; call !== undefined; ) {
      const next = call === last ? undefined : call.next;
      this.#unqueue(call);
      this.#place(call);
      call = next;
    }
  }

  #handOut(call: BrokerCall, registration: Registration): void {
    const { turn } = this.#environment;
    if (call.deadline <= turn.now) {
      this.#end(call, call.handedOut ? DEADLINE_EXCEEDED.after : DEADLINE_EXCEEDED.before, 'neither');
      return;
    }
    call.stage = 'running';
    this.#running++;
    registration.handOut(call, turn.now);
    if (!call.isRepeatable) call.forgetRecord();
  }

  #longestWaiting(worker: Registration): BrokerCall | undefined {
    const own = worker.queue.first;
    let shared = this.#queue.first;
    while (shared !== undefined && !worker.methods.has(shared.method)) shared = shared.next;
    if (own === undefined || shared === undefined) return own ?? shared;
    return own.sequence < shared.sequence ? own : shared;
  }

  #unqueue(call: BrokerCall): void {
    this.#queued--;
    call.queue?.remove(call);
  }

  #refuse(call: BrokerCall, name: ErrorName): void {
    const { before, after } = refusal(name);
    this.#end(call, call.handedOut ? after : before, 'neither', name);
  }

  /** The call is over before a worker answered it. */
  #end(call: BrokerCall, error: string | undefined, outcome: Outcome, name?: string): void {
    const { turn, taps } = this.#environment;
    this.#figures.fail();
    this.breaker.record(outcome, call.isProbe, turn.now);
    if (taps.isOpen) taps.ended(call, name ?? errorName(error), 0);
    if (error !== undefined) call.tellError(error);
    this.#release(call);
  }

  #release(call: BrokerCall): void {
    const { calls, deadlines } = this.#environment;
    deadlines.remove(call);
    call.forgetCaller();
    calls.release(call);
  }

  #closeAt(registration: Registration): void {
    registration.open--;
    this.#withdrawIfDone(registration);
  }

  #withdrawIfDone(registration: Registration): void {
    if (!registration.draining || registration.open > 0 || !this.workers.finish(registration)) return;
    registration.peer.drained(registration);
  }
}

function errorName(text: string | undefined): string | undefined {
  return text === undefined ? 'CANCELLED' : (JSON.parse(text) as { name: string }).name;
}
