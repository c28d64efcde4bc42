/** Owns: keeping one program running: restarts with backoff, giving up, replacement. No I/O: processes come from the spawner. */
import type { Clock, Random, Timer } from '../ports.js';
import { ChildRun } from './child-run.js';
import { type ChildExit, type ChildSpec, EXIT_NOT_RESTARTABLE, EXIT_UNAVAILABLE, type Spawner } from './child-spec.js';
import { type RestartPolicy, restartDelay } from './restart-policy.js';
import type { SupervisorEvent } from './supervisor-event.js';

/**
 * | from | to | cause |
 * |---|---|---|
 * | stopped, failed | starting | start |
 * | starting | running | the process is ready |
 * | starting, running | waiting | it ended |
 * | starting, running | failed | it ended once too often, or cannot begin at its first start |
 * | running | stopped | it has finished, as it may |
 * | waiting | starting | the delay is over |
 * | running | replacing | replace |
 * | replacing | running | the new process is ready, or it ended and the old one goes on |
 * | replacing | starting | the old process ended before the new one was ready |
 * | starting, running, replacing, waiting | stopping | stop, restart |
 * | stopping | stopped, starting | all its processes are gone |
 */
export type ChildState =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'starting'; readonly run: ChildRun }
  | { readonly kind: 'running'; readonly run: ChildRun; readonly stable: Timer }
  | { readonly kind: 'replacing'; readonly run: ChildRun; readonly next: ChildRun; readonly outcome: Outcome }
  | { readonly kind: 'waiting'; readonly retry: Timer }
  | { readonly kind: 'stopping'; readonly then: 'stopped' | 'starting' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface ChildStatus {
  readonly name: string;
  readonly state: ChildState['kind'];
  /** Of the process that does the work, or begins to; undefined when there is none. */
  readonly pid: number | undefined;
  /** When it became ready, milliseconds since 1970; undefined while none is. */
  readonly readySince: number | undefined;
  /** How often it was started again because it had ended by itself. */
  readonly restarts: number;
}

interface Outcome {
  resolve(): void;
  reject(error: Error): void;
}

export interface ChildOptions {
  readonly spawn: Spawner;
  readonly clock: Clock;
  readonly random: Random;
  readonly policy: RestartPolicy;
  readonly onEvent: (event: SupervisorEvent) => void;
}

export class SupervisedChild {
  readonly #options: ChildOptions;
  #spec: ChildSpec;
  /** That of a replacement which is not ready yet. */
  #proposed: ChildSpec | undefined;
  #state: ChildState = { kind: 'stopped' };
  /** Every living process, the retiring ones of replacements among them. */
  readonly #runs = new Set<ChildRun>();
  #failures = 0;
  /** Starts in a row for which something that it needs was away. */
  #vain = 0;
  #restarts = 0;
  #wasReady = false;
  #readySince: number | undefined;
  #untilRunning: Outcome[] = [];
  #untilStopped: (() => void)[] = [];

  constructor(spec: ChildSpec, options: ChildOptions) {
    this.#spec = spec;
    this.#options = options;
  }

  get status(): ChildStatus {
    const { kind: state } = this.#state;
    const isReady = state === 'running' || state === 'replacing';
    return {
      name: this.#spec.name,
      state,
      pid: 'run' in this.#state ? this.#state.run.pid : undefined,
      readySince: isReady ? this.#readySince : undefined,
      restarts: this.#restarts,
    };
  }

  get spec(): ChildSpec {
    return this.#spec;
  }

  /** Counts from its next start on. */
  respecify(spec: ChildSpec): void {
    this.#spec = spec;
    this.#proposed = undefined;
  }

  /** Settles when it is ready. @throws Error when the supervisor gave up, or it was stopped before */
  start(): Promise<void> {
    if (this.#state.kind === 'running' || this.#state.kind === 'replacing') return Promise.resolve();
    const running = this.#nextRunning();
    if (this.#state.kind === 'stopped' || this.#state.kind === 'failed') this.#beginAnew();
    return running;
  }

  /** Settles when no process of it is left. */
  stop(): Promise<void> {
    if (this.#state.kind === 'stopped' || this.#state.kind === 'failed') return Promise.resolve();
    const stopped = new Promise<void>((resolve) => this.#untilStopped.push(resolve));
    this.#stopAll('stopped');
    return stopped;
  }

  /** Stops it and starts it anew; not counted as a failure. Settles when it is ready again. @throws as start */
  restart(): Promise<void> {
    const state = this.#state;
    // Whoever stops it for good must not wait for something that began again.
    if (state.kind === 'stopping' && state.then === 'stopped')
      return Promise.reject(new Error(`${this.#spec.name} is stopping`));
    const running = this.#nextRunning();
    if (state.kind === 'stopped' || state.kind === 'failed') this.#beginAnew();
    else this.#stopAll('starting');
    return running;
  }

  /**
   * Starts a second process, hands over to it when it is ready, then stops the first. Until then the first goes on.
   * @throws Error when nothing runs that could be replaced, or the new one ended before it was ready
   */
  replace(spec: ChildSpec = this.#spec): Promise<void> {
    const state = this.#state;
    if (state.kind !== 'running') return Promise.reject(new Error(`${this.#spec.name} is ${state.kind}, not running`));
    return new Promise((resolve, reject) => {
      state.stable.cancel();
      this.#proposed = spec;
      this.#state = { kind: 'replacing', run: state.run, next: this.#run(spec), outcome: { resolve, reject } };
    });
  }

  /**
   * Replaces what runs; what waits or has failed has nothing to keep and is started anew.
   * @throws as replace and restart, and Error when it was stopped: an update that was under way starts nothing again
   */
  update(): Promise<void> {
    if (this.#state.kind === 'stopped') return Promise.reject(new Error(`${this.#spec.name} is stopped`));
    return this.#state.kind === 'running' ? this.replace() : this.restart();
  }

  /** Of the process that does the work; undefined when none does, or it does not answer. */
  async figures(): Promise<string | undefined> {
    return this.#state.kind === 'running' || this.#state.kind === 'replacing' ? this.#state.run.figures() : undefined;
  }

  #nextRunning(): Promise<void> {
    return new Promise((resolve, reject) => this.#untilRunning.push({ resolve, reject }));
  }

  #beginAnew(): void {
    this.#failures = 0;
    this.#vain = 0;
    this.#begin();
  }

  #begin(): void {
    this.#state = { kind: 'starting', run: this.#run(this.#spec) };
  }

  #beginAgain(): void {
    this.#restarts += 1;
    this.#begin();
  }

  #run(spec: ChildSpec): ChildRun {
    const run = new ChildRun({
      spec,
      spawn: this.#options.spawn,
      clock: this.#options.clock,
      handlers: {
        onReady: (ready) => this.#onReady(ready),
        onEnd: (ended, exit) => this.#onEnd(ended, exit),
        onLine: ({ pid }, stream, line) => this.#emit({ kind: 'output', child: spec.name, pid, stream, line }),
      },
    });
    this.#runs.add(run);
    this.#emit({ kind: 'started', child: spec.name, pid: run.pid });
    return run;
  }

  #onReady(run: ChildRun): void {
    const state = this.#state;
    if (state.kind === 'starting' && state.run === run) {
      this.#enterRunning(run);
      this.#readySince = this.#options.clock.now();
      this.#emit({ kind: 'ready', child: run.spec.name, pid: run.pid });
      this.#settleRunning((outcome) => outcome.resolve());
    } else if (state.kind === 'replacing' && state.next === run) {
      this.#enterRunning(run);
      this.#readySince = this.#options.clock.now();
      this.#emit({ kind: 'ready', child: run.spec.name, pid: run.pid });
      state.run.stop();
      state.outcome.resolve();
    }
  }

  #enterRunning(run: ChildRun): void {
    const { clock, policy } = this.#options;
    const forget = (): void => {
      this.#failures = 0;
      this.#vain = 0;
    };
    this.#wasReady = true;
    // A specification proves itself by becoming ready: until then restarts use the earlier one.
    if (run.spec === this.#proposed) this.#spec = run.spec;
    this.#proposed = undefined;
    this.#state = { kind: 'running', run, stable: clock.after(policy.stableMs, forget, { background: true }) };
  }

  #onEnd(run: ChildRun, exit: ChildExit): void {
    this.#runs.delete(run);
    const state = this.#state;
    const expected = !('run' in state && state.run === run) && !(state.kind === 'replacing' && state.next === run);
    this.#emit({ kind: 'ended', child: run.spec.name, pid: run.pid, reason: exit.reason, expected });
    if (state.kind === 'stopping') this.#onAllGone(state.then);
    else if (state.kind === 'starting' && state.run === run) this.#onFailure(exit);
    else if (state.kind === 'running' && state.run === run) {
      state.stable.cancel();
      if (run.spec.mayFinish && exit.code === 0) this.#onStopped();
      else this.#onFailure(exit);
    } else if (state.kind === 'replacing' && state.next === run) {
      this.#enterRunning(state.run);
      state.outcome.reject(new Error(`the new ${run.spec.name} ended before it was ready: ${exit.reason}`));
    } else if (state.kind === 'replacing' && state.run === run) {
      this.#untilRunning.push(state.outcome);
      this.#state = { kind: 'starting', run: state.next };
    }
  }

  #onFailure(exit: ChildExit): void {
    const { clock, policy, random } = this.#options;
    const child = this.#spec.name;
    const isUnavailable = exit.code === EXIT_UNAVAILABLE;
    if (isUnavailable) this.#vain += 1;
    else this.#failures += 1;
    if ((isUnavailable || exit.code === EXIT_NOT_RESTARTABLE) && !this.#wasReady) {
      this.#fail('it cannot start, see above');
    } else if (this.#failures >= policy.giveUpAfter) {
      this.#fail(`${this.#failures} failures in a row, the last one: ${exit.reason}`);
    } else {
      const failures = this.#failures + this.#vain;
      const delayMs = restartDelay(policy, failures, random);
      this.#state = { kind: 'waiting', retry: clock.after(delayMs, () => this.#beginAgain()) };
      this.#emit({ kind: 'restarting', child, reason: exit.reason, failures, delayMs });
    }
  }

  #fail(reason: string): void {
    this.#state = { kind: 'failed', reason };
    this.#emit({ kind: 'failed', child: this.#spec.name, reason, wasReady: this.#wasReady });
    this.#settleRunning((outcome) => outcome.reject(new Error(`${this.#spec.name} failed: ${reason}`)));
  }

  #stopAll(then: 'stopped' | 'starting'): void {
    const state = this.#state;
    if (state.kind === 'running') state.stable.cancel();
    if (state.kind === 'waiting') state.retry.cancel();
    if (state.kind === 'replacing') state.outcome.reject(new Error(`${this.#spec.name} was stopped`));
    const stopping: ChildState = { kind: 'stopping', then };
    this.#state = stopping;
    for (const run of [...this.#runs]) run.stop();
    if (this.#state === stopping) this.#onAllGone(then);
  }

  #onAllGone(then: 'stopped' | 'starting'): void {
    if (this.#runs.size > 0) return;
    if (then === 'starting') {
      this.#beginAnew();
      return;
    }
    this.#onStopped();
  }

  #onStopped(): void {
    this.#state = { kind: 'stopped' };
    this.#emit({ kind: 'stopped', child: this.#spec.name });
    this.#settleRunning((outcome) => outcome.reject(new Error(`${this.#spec.name} was stopped`)));
    for (const resolve of this.#untilStopped.splice(0)) resolve();
  }

  #settleRunning(settle: (outcome: Outcome) => void): void {
    for (const outcome of this.#untilRunning.splice(0)) settle(outcome);
  }

  #emit(event: SupervisorEvent): void {
    this.#options.onEvent(event);
  }
}
