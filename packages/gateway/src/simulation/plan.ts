/** What happens in one simulated run, drawn from a seed. Says nothing of what must follow from it. */
import type { Terms } from '@im/protocol';
import type { Random } from '@im/protocol/ports';
import { seededRandom } from '@im/protocol/testing';

export const GROUPS = ['r:1', 'r:2'] as const;
/** Who publishes in each of them. */
const PUBLISHERS = 3;
export const KEYS = ['a', 'b', 'c'] as const;

/** What does not change during a run. */
export interface Conditions {
  readonly viewers: number;
  readonly framesPerSecond: number;
  readonly sliceMs: number;
  readonly messagesPerFrame: number;
  readonly maxWaiting: number;
  readonly maxHeld: number;
  readonly stallMs: number;
  /** Of everything that goes over the network, and as much again at most by chance. */
  readonly delayMs: number;
  /** What kernels take of what a viewer has not read. */
  readonly kernelBytes: number;
}

export type Step =
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'turn' }
  | {
      readonly do: 'chat';
      readonly group: number;
      readonly by: number;
      readonly times: number;
      readonly bytes: number;
      readonly terms: Terms;
    }
  | { readonly do: 'gift'; readonly group: number; readonly times: number; readonly newEpoch: boolean }
  | { readonly do: 'lose'; readonly group: number; readonly count: number | undefined }
  | { readonly do: 'enter' | 'leave'; readonly viewer: number; readonly group: number }
  /** How fast a viewer reads from now on. */
  | { readonly do: 'read'; readonly viewer: number; readonly bytesPerSecond: number }
  /** The network of a viewer breaks; it comes back by itself, to either gateway. */
  | { readonly do: 'cut'; readonly viewer: number; readonly awayMs: number; readonly gateway: number };

export interface Plan {
  readonly seed: number;
  readonly conditions: Conditions;
  readonly steps: readonly Step[];
}

const SPEEDS = [0, 0, 500, 1_000, 5_000, 20_000, 1_000_000, 1_000_000] as const;

export function planOf(seed: number): Plan {
  const draw = new Draw(seededRandom(seed));
  const viewers = draw.from(1, 6);
  const conditions: Conditions = {
    viewers,
    framesPerSecond: draw.of(12, 12, 30, 0),
    sliceMs: draw.of(8, 8, 0),
    messagesPerFrame: draw.of(1_000, 1_000, 20, 3),
    maxWaiting: draw.of(10_000, 100, 10),
    maxHeld: draw.of(1_000, 3),
    stallMs: draw.of(5_000, 2_000, 0),
    delayMs: draw.of(0, 5, 40, 150),
    kernelBytes: draw.of(0, 10_000, 4_000_000),
  };
  // Most are in a room when it begins.
  const entering: Step[] = Array.from({ length: viewers }, (_, viewer) => ({ do: 'enter', viewer, group: 0 }));
  const steps = Array.from({ length: draw.from(15, 60) }, () => drawStep(draw, viewers));
  return { seed, conditions, steps: [...entering, { do: 'pass', ms: 500 }, ...steps] };
}

function drawStep(draw: Draw, viewers: number): Step {
  const viewer = draw.from(0, viewers - 1);
  const group = draw.of(0, 0, 0, 1);
  const kind = draw.from(0, 99);
  if (kind < 34) {
    const by = draw.from(0, PUBLISHERS - 1);
    return {
      do: 'chat',
      group,
      by,
      times: draw.of(1, 2, 5, 20, 60),
      bytes: draw.of(50, 200, 900),
      terms: drawTerms(draw, by),
    };
  }
  if (kind < 46) return { do: 'gift', group, times: draw.of(1, 1, 2, 6), newEpoch: draw.from(0, 11) === 0 };
  if (kind < 66) return { do: 'pass', ms: draw.of(20, 60, 100, 300, 300, 1_000, 1_000, 2_500) };
  if (kind < 71) return { do: 'turn' };
  if (kind < 83) return { do: 'read', viewer, bytesPerSecond: draw.of(...SPEEDS) };
  if (kind < 88) return { do: 'enter', viewer, group };
  if (kind < 92) return { do: 'leave', viewer, group };
  if (kind < 97) return { do: 'cut', viewer, awayMs: draw.of(0, 200, 1_500), gateway: draw.from(0, 1) };
  return { do: 'lose', group, count: draw.of(1, 7, undefined) };
}

function drawTerms(draw: Draw, by: number): Terms {
  const reserved = draw.from(0, 9) === 0;
  const common = { ...(draw.from(0, 1) === 0 && { sender: `${by}` }), ...(reserved && { reserved }) };
  const key = draw.of(...KEYS);
  const kind = draw.from(0, 9);
  if (kind < 6) return common;
  const conflate =
    kind < 8 ? ({ mode: 'latest', key } as const) : ({ mode: 'sum', key, amount: draw.from(-2, 9) } as const);
  return { ...common, conflate };
}

class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A whole number, both ends included. */
  from(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1));
  }

  of<T>(...choices: readonly T[]): T {
    return choices[this.from(0, choices.length - 1)] as T;
  }
}
