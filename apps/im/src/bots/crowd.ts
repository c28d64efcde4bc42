/**
 * Owns: the rhythm of a room: who arrives and goes when, who says, likes and gives something. State only: what a viewer
 * does is done by the viewers it is given. One timer an activity, whatever the number of viewers.
 */
import type { Clock, Random, Timer } from '@im/runtime';
import { pick } from './seeded-random.js';

export interface Viewer {
  /** Settles when it is in the room. */
  come(): Promise<void>;
  go(): void;
  /** Fire and forget: a viewer that cannot does nothing. */
  say(random: Random): void;
  cheer(name: string, random: Random): void;
  like(random: Random): void;
  give(random: Random): void;
}

export interface CrowdOptions {
  readonly viewers: readonly Viewer[];
  readonly clock: Clock;
  readonly random: Random;
}

/** A second, in a calm room of one viewer; rooms grow livelier with the root of their size, so that they stay readable. */
const PACE = { say: 0.35, like: 0.25, give: 0.03 } as const;
/** How long a viewer stays, on average, and how long one that went is away. */
const STAY_MS = 240_000;
const AWAY_MS = 15_000;
/** All have arrived by then, or at this many a second. */
const ARRIVAL_MS = 8_000;
const MAX_ARRIVALS_PER_SECOND = 100;
/** How soon a stir has faded by half. */
const FADING_MS = 6_000;
const MAX_STIR = 4;

export class Crowd {
  readonly #options: CrowdOptions;
  readonly #timers = new Set<Timer>();
  readonly #present: Viewer[] = [];
  #stir = 0;
  #stirredAt = 0;
  #stopped = false;

  constructor(options: CrowdOptions) {
    this.#options = options;
  }

  start(): void {
    const { viewers, random } = this.#options;
    const spanMs = Math.max(ARRIVAL_MS, (viewers.length / MAX_ARRIVALS_PER_SECOND) * 1_000);
    for (const viewer of viewers) this.#after(random() * spanMs, () => this.#arrive(viewer));
    this.#repeat(PACE.say, (viewer) => viewer.say(random));
    this.#repeat(PACE.like, (viewer) => viewer.like(random));
    this.#repeat(PACE.give, (viewer) => viewer.give(random));
    this.#wander();
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  /** Something happened that people react to. @param weight 0 to 1 */
  stir(name: string, weight: number): void {
    const { random, clock } = this.#options;
    this.#stir = Math.min(MAX_STIR, this.#stirNow() + weight * 2);
    this.#stirredAt = clock.monotonic();
    const cheers = Math.round(weight * 3 * random());
    for (let count = 0; count < cheers; count += 1) {
      this.#after(500 + random() * 3_000, () => this.#anyone()?.cheer(name, random));
    }
  }

  #arrive(viewer: Viewer): void {
    viewer.come().then(
      () => this.#present.push(viewer),
      () => this.#after(this.#exponential(AWAY_MS), () => this.#arrive(viewer)),
    );
  }

  /** Viewers go one by one, so that each stays for about {@link STAY_MS}, and come back. */
  #wander(): void {
    const everyMs = STAY_MS / Math.max(1, this.#options.viewers.length);
    this.#after(this.#exponential(everyMs), () => {
      const index = Math.floor(this.#options.random() * this.#present.length);
      const [viewer] = this.#present.splice(index, 1);
      if (viewer !== undefined) {
        viewer.go();
        this.#after(this.#exponential(AWAY_MS), () => this.#arrive(viewer));
      }
      this.#wander();
    });
  }

  #repeat(pace: number, act: (viewer: Viewer) => void): void {
    const perSecond = pace * Math.sqrt(Math.max(1, this.#present.length)) * (1 + this.#stirNow());
    this.#after(Math.min(this.#exponential(1_000 / perSecond), 30_000), () => {
      const viewer = this.#anyone();
      if (viewer !== undefined) act(viewer);
      this.#repeat(pace, act);
    });
  }

  #anyone(): Viewer | undefined {
    return this.#present.length === 0 ? undefined : pick(this.#present, this.#options.random);
  }

  #stirNow(): number {
    return this.#stir * 0.5 ** ((this.#options.clock.monotonic() - this.#stirredAt) / FADING_MS);
  }

  #exponential(meanMs: number): number {
    return -Math.log(1 - this.#options.random()) * meanMs;
  }

  #after(delayMs: number, run: () => void): void {
    if (this.#stopped) return;
    const timer = this.#options.clock.after(delayMs, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }
}
