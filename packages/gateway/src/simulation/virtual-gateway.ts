/** One gateway as far as the simulation goes: fan-out, and what looks after its backlogs. Composition only. */
import { FanOut } from '@im/groups';
import { FakeEncoding } from '@im/groups/testing';
import type { Random } from '@im/protocol/ports';
import { type FakeClock, RecordingMetrics } from '@im/protocol/testing';
import { Deadline, TimerWheel } from '../connection/timer-wheel.js';
import { Unanswered } from '../connection/unanswered.js';
import type { Conditions } from './plan.js';
import type { VirtualConnection } from './virtual-connection.js';

export const TICK_MS = 100;
export const MAX_WAITING_BYTES = 200_000;

/** Keeps the wheel turning, as heartbeats do. */
class Turning extends Deadline {
  reached(): void {}
}

export class VirtualGateway {
  readonly encoding = new FakeEncoding();
  readonly fanOut: FanOut<VirtualConnection>;
  readonly unanswered: Unanswered;
  readonly #metrics = new RecordingMetrics();
  readonly #wheel: TimerWheel;
  readonly #turning = new Turning();
  #turns: (() => void)[] = [];

  constructor(
    clock: FakeClock,
    random: Random,
    { framesPerSecond, sliceMs, messagesPerFrame, maxWaiting, maxHeld, stallMs }: Conditions,
  ) {
    const afterTurn = (run: () => void): void => void this.#turns.push(run);
    const bounds = { messagesPerFrame, maxWaiting, maxHeld, maxBytes: MAX_WAITING_BYTES };
    this.fanOut = new FanOut({ clock, random, afterTurn, framesPerSecond, sliceMs, metrics: this.#metrics, ...bounds });
    this.#wheel = new TimerWheel(clock, TICK_MS);
    this.#wheel.set(this.#turning, Number.MAX_SAFE_INTEGER / 2);
    this.unanswered = new Unanswered({
      wheel: this.#wheel,
      stallMs,
      bytes: { observe: () => {} },
      nextTurn: afterTurn,
    });
  }

  get waitingBytes(): number {
    return this.#metrics.value('im_groups_waiting_bytes');
  }

  /** Ends the turn. @returns whether something was done, so that another may be needed */
  turn(): boolean {
    const turns = this.#turns;
    this.#turns = [];
    for (const run of turns) run();
    return turns.length > 0;
  }

  close(): void {
    this.fanOut.close();
    this.#wheel.cancel(this.#turning);
  }
}
