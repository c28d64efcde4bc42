/** Owns: one process from its start to its end: waiting for readiness, stopping within a deadline. Knows no restarts. */
import type { Clock, Timer } from '../ports.js';
import { type ChildExit, type ChildProcess, type ChildSpec, type Spawner, STOP_TIMEOUT_MS } from './child-spec.js';

const READY_TIMEOUT_MS = 30_000;
/** A child that is too busy to answer by then has no figures this time. */
const FIGURES_TIMEOUT_MS = 1_000;

/**
 * starting → ready: it said so · starting → stopping, ready → stopping: asked to · any → ended: the process is gone.
 * A deadline that passes in starting or stopping kills the process, which then ends.
 */
type RunState =
  | { readonly kind: 'starting'; readonly deadline: Timer }
  | { readonly kind: 'ready' }
  | { readonly kind: 'stopping'; readonly deadline: Timer }
  | { readonly kind: 'ended' };

interface RunHandlers {
  onReady(run: ChildRun): void;
  /** `overdue` names the deadline that made the supervisor kill it. */
  onEnd(run: ChildRun, exit: ChildExit): void;
  onLine(run: ChildRun, stream: 'stdout' | 'stderr', line: string): void;
}

export interface RunOptions {
  readonly spec: ChildSpec;
  readonly spawn: Spawner;
  readonly clock: Clock;
  readonly handlers: RunHandlers;
}

export class ChildRun {
  readonly spec: ChildSpec;
  readonly #clock: Clock;
  readonly #process: ChildProcess;
  #state: RunState;
  #overdue: string | undefined;
  #untilFigures: ((figures: string | undefined) => void)[] = [];

  constructor({ spec, spawn, clock, handlers }: RunOptions) {
    this.spec = spec;
    this.#clock = clock;
    const readyTimeoutMs = spec.readyTimeoutMs ?? READY_TIMEOUT_MS;
    this.#state = {
      kind: 'starting',
      deadline: this.#killAfter(readyTimeoutMs, `not ready within ${readyTimeoutMs} ms`),
    };
    this.#process = spawn(spec, {
      onReady: () => {
        if (this.#state.kind !== 'starting') return;
        this.#enter({ kind: 'ready' });
        handlers.onReady(this);
      },
      onLine: (stream, line) => handlers.onLine(this, stream, line),
      onFigures: (figures) => this.#settleFigures(figures),
      onExit: (exit) => {
        this.#enter({ kind: 'ended' });
        this.#settleFigures(undefined);
        handlers.onEnd(this, this.#overdue === undefined ? exit : { ...exit, reason: this.#overdue });
      },
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Asks it to end, and kills it when it does not. Told by `onEnd`. */
  stop(): void {
    if (this.#state.kind === 'stopping' || this.#state.kind === 'ended') return;
    const stopTimeoutMs = this.spec.stopTimeoutMs ?? STOP_TIMEOUT_MS;
    this.#enter({
      kind: 'stopping',
      deadline: this.#killAfter(stopTimeoutMs, `killed: not stopped within ${stopTimeoutMs} ms`),
    });
    this.#process.signal('SIGTERM');
  }

  /** Undefined when it does not answer. */
  figures(): Promise<string | undefined> {
    if (this.spec.ready.by !== 'ipc' || this.#state.kind === 'ended') return Promise.resolve(undefined);
    if (this.#untilFigures.length === 0) this.#process.askFigures();
    return new Promise((resolve) => {
      const settle = (figures: string | undefined): void => {
        late.cancel();
        resolve(figures);
      };
      const giveUp = (): void => {
        this.#untilFigures = this.#untilFigures.filter((other) => other !== settle);
        settle(undefined);
      };
      const late = this.#clock.after(FIGURES_TIMEOUT_MS, giveUp, { background: true });
      this.#untilFigures.push(settle);
    });
  }

  #settleFigures(figures: string | undefined): void {
    for (const resolve of this.#untilFigures.splice(0)) resolve(figures);
  }

  #enter(state: RunState): void {
    if ('deadline' in this.#state) this.#state.deadline.cancel();
    this.#state = state;
  }

  #killAfter(delayMs: number, overdue: string): Timer {
    return this.#clock.after(delayMs, () => {
      this.#overdue = overdue;
      this.#process.signal('SIGKILL');
    });
  }
}
