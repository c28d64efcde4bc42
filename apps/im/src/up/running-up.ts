/** Owns: a running `im up`: what it is made of now, and changing that, one change at a time. */
import { setTimeout as wait } from 'node:timers/promises';
import type { ArrangeStep } from '@im/runtime';
import type { Supervision } from '../supervised-children.js';
import type { ControlCommands, DownOutcome } from './control-socket.js';
import { readFigures } from './figure-text.js';
import { type ScaleCounts, Scaling } from './scaling.js';
import { statusOf, type UpStatus } from './status.js';
import { type UpChild, upChildren, workerNames } from './up-children.js';
import type { UpPlan } from './up-settings.js';
import { type UpdateOutcome, WorkerUpdates } from './worker-updates.js';

export interface RunningUpOptions {
  readonly supervision: Supervision;
  /** Those that are no part of the plan. */
  readonly servers: readonly UpChild[];
  readonly plan: UpPlan;
  /** Others read what it is made of in a file. */
  readonly onPlan: (plan: UpPlan) => Promise<void>;
  /** Settles when nothing runs any more. */
  readonly stopped: Promise<void>;
}

/** What happens in it says how many there are of something a second. */
const SAMPLE_MS = 500;
const STEPS: Readonly<Record<ArrangeStep['kind'], string>> = {
  starting: 'starts',
  ready: 'is ready',
  stopping: 'finishes what it has',
  stopped: 'is gone',
};

export class RunningUp implements ControlCommands {
  readonly #options: RunningUpOptions;
  readonly #updates: WorkerUpdates;
  readonly #scaling: Scaling;
  readonly #sinceMs = Date.now();
  #plan: UpPlan;
  #isStarted = false;
  /** Settles when no change is under way. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(options: RunningUpOptions) {
    const { supervisor, logger } = options.supervision;
    this.#options = options;
    this.#plan = options.plan;
    this.#updates = new WorkerUpdates({
      update: () =>
        this.#inTurn(async () => {
          const workers = workerNames(this.#plan);
          await supervisor.update(workers);
          return workers.length;
        }),
      logger,
    });
    this.#scaling = new Scaling({ logger, plan: () => this.#plan, arrange: (plan, tell) => this.#arrange(plan, tell) });
  }

  get plan(): UpPlan {
    return this.#plan;
  }

  /** From now on it takes changes. */
  started(): void {
    this.#isStarted = true;
  }

  async update(cause: string | undefined = 'im update'): Promise<UpdateOutcome> {
    this.#checkStarted();
    return this.#updates.request(cause);
  }

  async status(): Promise<UpStatus> {
    const { supervisor } = this.#options.supervision;
    const before = await supervisor.figures();
    const begin = performance.now();
    await wait(SAMPLE_MS);
    const elapsedMs = performance.now() - begin;
    const after = await supervisor.figures();
    const children = new Map([...this.#options.servers, ...upChildren(this.#plan)].map((one) => [one.spec.name, one]));
    const processes = supervisor.children().flatMap((child) => {
      const known = children.get(child.name);
      // It is about to come, or to go, while scaling is under way.
      if (known === undefined) return [];
      const figures = [before, after].map((texts) => texts.get(child.name)).map((text) => text && readFigures(text));
      return [
        {
          role: known.role,
          address: known.address,
          child,
          before: figures[0] || undefined,
          after: figures[1] || undefined,
        },
      ];
    });
    return statusOf({ engine: this.#plan.engine, pid: process.pid, sinceMs: this.#sinceMs, elapsedMs, processes });
  }

  async scale(counts: ScaleCounts, tell: (line: string) => void) {
    this.#checkStarted();
    return this.#inTurn(() => this.#scaling.scale(counts, tell));
  }

  async down(_nothing: undefined, tell: (line: string) => void): Promise<DownOutcome> {
    const { shutdown, supervisor } = this.#options.supervision;
    const names = supervisor.children().map(({ name }) => name);
    tell(`stopping ${names.reverse().join(', ')}`);
    void shutdown.stop('im down');
    await this.#options.stopped;
    return { pid: process.pid };
  }

  async #arrange(plan: UpPlan, tell: (line: string) => void): Promise<void> {
    const { servers, supervision, onPlan } = this.#options;
    const children = [...servers, ...upChildren(plan)];
    await supervision.arrange(
      children.map(({ spec }) => spec),
      ({ child, kind }) => tell(`${child} ${STEPS[kind]}`),
    );
    this.#plan = plan;
    try {
      await onPlan(plan);
    } catch (error) {
      // What runs has changed all the same.
      supervision.logger.error('other commands read what was before: the file for them cannot be written', { error });
    }
  }

  #inTurn<Result>(change: () => Promise<Result>): Promise<Result> {
    const changed = this.#changes.then(change);
    this.#changes = changed.catch(() => {});
    return changed;
  }

  #checkStarted(): void {
    if (!this.#isStarted) throw new Error('im up is still starting');
  }
}
