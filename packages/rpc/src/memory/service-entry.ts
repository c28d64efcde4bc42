/**
 * One service in the memory engine: its workers, its bounded queue, and every step of a call between them.
 * No I/O; time comes from the calls' deadlines and an injected clock. Handlers start in a microtask of their own, so
 * that a call is never carried out inside the one that made it.
 */
import { ImError } from '@im/protocol';
import type { Clock, Logger, Metrics } from '@im/protocol/ports';
import { deadlineExceeded } from '../call-terms.js';
import { pickByKey } from '../rendezvous.js';
import type { RpcReply } from '../rpc.js';
import { checkBody, decodeError, decodeHeaders, encodeError, encodeHeaders } from '../wire-values.js';
import { CallQueue } from './call-queue.js';
import type { MemoryCall } from './memory-call.js';
import { MemoryRequest } from './memory-request.js';
import { type ServiceCounts, ServiceFigures } from './service-figures.js';
import type { WorkerEntry } from './worker-entry.js';

export interface ServiceEnvironment {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly queueLimit: number;
  readonly maxBodyBytes: number;
}

export class ServiceEntry {
  readonly name: string;
  /** Workers that take calls. */
  readonly #serving: WorkerEntry[] = [];
  readonly #draining = new Set<WorkerEntry>();
  /** Calls that any worker may take; those of a routing key wait at their worker. */
  readonly #queue = new CallQueue();
  readonly #environment: ServiceEnvironment;
  readonly #figures: ServiceFigures;
  /** In all queues together. */
  #queued = 0;
  #nextSequence = 0;
  /** Where the search for a worker begins, so that equals take turns. */
  #turn = 0;

  constructor(name: string, environment: ServiceEnvironment) {
    this.name = name;
    this.#environment = environment;
    this.#figures = new ServiceFigures(environment.metrics, name, this);
  }

  get counts(): ServiceCounts {
    return this.#figures.counts;
  }

  get queued(): number {
    return this.#queued;
  }

  get running(): number {
    let running = 0;
    for (const worker of this.workers()) running += worker.inFlight;
    return running;
  }

  /** Serving ones first, then draining ones. */
  workers(): readonly WorkerEntry[] {
    return [...this.#serving, ...this.#draining];
  }

  add(worker: WorkerEntry): void {
    this.#serving.push(worker);
    this.#fill(worker);
  }

  /** What waits for the worker goes to others; settles when what it has is answered. */
  drain(worker: WorkerEntry): Promise<void> {
    const index = this.#serving.indexOf(worker);
    if (index >= 0) {
      this.#serving.splice(index, 1);
      this.#draining.add(worker);
      worker.draining = true;
      this.#placeAgain(worker.queue);
      // With another worker gone, calls may wait for a method that nobody is left to serve.
      this.#placeAgain(this.#queue);
      this.#withdrawIfDone(worker);
    }
    return worker.drained;
  }

  /** A new call: to a worker, into the queue, or refused. */
  submit(call: MemoryCall): void {
    this.#figures.call();
    call.sequence = this.#nextSequence++;
    this.#place(call);
  }

  /** The caller stops waiting, for good, whatever the worker does. */
  giveUp(call: MemoryCall, error: ImError): void {
    switch (call.stage) {
      case 'waiting':
        this.#unqueue(call);
        call.stage = 'done';
        break;
      case 'handedOut':
        call.stage = 'done';
        break;
      case 'running':
        call.stage = 'abandoned';
        call.request?.abort(error);
        break;
      case 'abandoned':
      case 'done':
        return;
    }
    this.#fail(call, error);
    this.#closeAt(call.worker);
  }

  #place(call: MemoryCall): void {
    const choice = this.#choose(call);
    if (choice instanceof ImError) {
      this.#refuse(call, choice);
    } else if (choice.hasRoom) {
      this.#handOut(call, choice);
    } else {
      this.#queued++;
      (call.routingKey === undefined ? this.#queue : choice.queue).push(call);
    }
  }

  /** A worker with room, or a busy one for which the call may wait, or why it may not. */
  #choose({ method, routingKey }: MemoryCall): WorkerEntry | ImError {
    if (this.#serving.length === 0) return new ImError('UNAVAILABLE');
    const worker =
      routingKey === undefined
        ? this.#leastBusy(method)
        : pickByKey(
            routingKey,
            this.#serving.filter(({ methods }) => methods.has(method)),
          );
    if (worker === undefined) return new ImError('METHOD_UNKNOWN');
    if (worker.hasRoom || this.#queued < this.#environment.queueLimit) return worker;
    this.#figures.overload();
    return new ImError('OVERLOADED');
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

  #leastBusy(method: string): WorkerEntry | undefined {
    const { length } = this.#serving;
    const start = this.#turn++ % length;
    let best: WorkerEntry | undefined;
    for (let step = 0; step < length; step++) {
      const worker = this.#serving[(start + step) % length] as WorkerEntry;
      if (!worker.methods.has(method)) continue;
      if (best === undefined || isLessBusy(worker, best)) best = worker;
    }
    return best;
  }

  #handOut(call: MemoryCall, worker: WorkerEntry): void {
    call.stage = 'handedOut';
    call.worker = worker;
    worker.inFlight++;
    worker.open++;
    queueMicrotask(() => void this.#run(call, worker));
  }

  async #run(call: MemoryCall, worker: WorkerEntry): Promise<void> {
    const { clock } = this.#environment;
    if (call.stage === 'handedOut' && call.deadline <= clock.monotonic()) this.giveUp(call, deadlineExceeded(false));
    if (call.stage === 'handedOut') {
      call.stage = 'running';
      call.request = new MemoryRequest(call, clock);
      let outcome: RpcReply | ImError;
      try {
        outcome = this.#delivered(await worker.service.handle(call.request), call);
      } catch (thrown) {
        outcome = this.#errorOf(thrown, call);
      }
      this.#finish(call, outcome);
    }
    worker.inFlight--;
    this.#fill(worker);
  }

  #finish(call: MemoryCall, outcome: RpcReply | ImError): void {
    const abandoned = call.stage === 'abandoned';
    call.stage = 'done';
    if (abandoned) {
      if (!(outcome instanceof ImError)) this.#answerLate(call, outcome);
      return;
    }
    if (outcome instanceof ImError) this.#fail(call, outcome);
    else call.succeed(outcome);
    this.#closeAt(call.worker);
  }

  #answerLate(call: MemoryCall, reply: RpcReply): void {
    try {
      if (call.answerLate(reply)) this.#figures.late();
    } catch (error) {
      this.#environment.logger.error('onLate of an rpc call threw', { service: this.name, method: call.method, error });
    }
  }

  /** A reply as it would arrive from another process. */
  #delivered({ body, headers }: RpcReply, { service, method }: MemoryCall): RpcReply {
    try {
      checkBody(body, this.#environment.maxBodyBytes, 'reply body');
      return { body, headers: decodeHeaders(encodeHeaders(headers, 'reply headers')) };
    } catch (error) {
      this.#environment.logger.error('a service answered what cannot travel', { service, method, error });
      throw error;
    }
  }

  #errorOf(thrown: unknown, call: MemoryCall): ImError {
    if (!(thrown instanceof ImError)) {
      const { service, method } = call;
      this.#environment.logger.error('a service failed', { service, method, error: thrown });
    }
    return decodeError(encodeError(ImError.wrap(thrown)));
  }

  /** Gives free slots to those who have waited longest. */
  #fill(worker: WorkerEntry): void {
    while (!worker.draining && worker.hasRoom) {
      const call = this.#longestWaiting(worker);
      if (call === undefined) return;
      this.#unqueue(call);
      this.#handOut(call, worker);
    }
  }

  #longestWaiting(worker: WorkerEntry): MemoryCall | undefined {
    const own = worker.queue.first;
    let shared = this.#queue.first;
    while (shared !== undefined && !worker.methods.has(shared.method)) shared = shared.next;
    if (own === undefined || shared === undefined) return own ?? shared;
    return own.sequence < shared.sequence ? own : shared;
  }

  #unqueue(call: MemoryCall): void {
    this.#queued--;
    call.queue?.remove(call);
  }

  #refuse(call: MemoryCall, error: ImError): void {
    call.stage = 'done';
    this.#fail(call, error);
  }

  #fail(call: MemoryCall, error: ImError): void {
    this.#figures.fail();
    call.fail(error);
  }

  #closeAt(worker: WorkerEntry | undefined): void {
    if (worker === undefined) return;
    worker.open--;
    this.#withdrawIfDone(worker);
  }

  #withdrawIfDone(worker: WorkerEntry): void {
    if (!worker.draining || worker.open > 0) return;
    this.#draining.delete(worker);
    worker.markDrained();
  }
}

function isLessBusy(one: WorkerEntry, other: WorkerEntry): boolean {
  return one.hasRoom === other.hasRoom ? one.inFlight < other.inFlight : one.hasRoom;
}
