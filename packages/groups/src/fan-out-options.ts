/** How a fan-out is set. */
import { type Clock, type Metrics, noMetrics, type Random } from '@im/protocol/ports';

declare const queueMicrotask: (run: () => void) => void;

export interface FanOutOptions {
  readonly clock: Clock;
  /** Default 12. 0: no frames, normal messages go at the end of the turn too, after priority. */
  readonly framesPerSecond?: number;
  /** The same for the groups of one kind, `r` or `u`. */
  readonly framesPerSecondByKind?: Readonly<Record<string, number>>;
  /** How long frames are written in one turn; what is left goes with the next one. Default 8. 0: to one member a turn. */
  readonly sliceMs?: number;
  readonly metrics?: Metrics;
  /**
   * Runs something at the end of the current turn, before timers. Default: queueMicrotask. Node: setImmediate packs more, and
   * lets others have their turn between two slices.
   */
  readonly afterTurn?: (run: () => void) => void;
  /**
   * Normal messages that a group may send with one frame, those of one key counted once. Where more wait, reserved ones go first,
   * then each sender gets one in turn, in random order; the rest is dropped and told (`budget`). Default 1,000. While a
   * group's frames are not written in time it has less, down to a twentieth; reserved ones always have a quarter.
   */
  readonly messagesPerFrame?: number;
  /** The same for the groups of one kind. */
  readonly messagesPerFrameByKind?: Readonly<Record<string, number>>;
  /** The same in bytes, 200 a message besides its body; one message is sent whatever its size. Default 512 KiB. */
  readonly bytesPerFrame?: number;
  /** Which messages go is drawn by. Default Math.random. */
  readonly random?: Random;
  /** Normal messages a group may have waiting; where a third more is reached, it is chosen as for a frame. Default 10,000. */
  readonly maxWaiting?: number;
  /** The same in bytes. Default 4 MiB. */
  readonly maxWaitingBytes?: number;
  /** Ids of `sum` messages that all groups together remember; one that comes again later counts again. Default 65,536. */
  readonly maxSumIds?: number;
  /** Priority messages kept for the held memberships of a group; see `release` of a membership. Default 1,000. */
  readonly maxHeld?: number;
  /** Bytes that all groups together keep waiting or held. Default 64 MiB. */
  readonly maxBytes?: number;
  /** The group has its first member here: called within `join`. */
  readonly onFirstMember?: (group: string) => void;
  /** The group has no member here any more. */
  readonly onLastMember?: (group: string) => void;
}

const DEFAULTS = {
  framesPerSecond: 12,
  framesPerSecondByKind: {},
  sliceMs: 8,
  messagesPerFrame: 1_000,
  messagesPerFrameByKind: {},
  bytesPerFrame: 512 * 1024,
  random: Math.random,
  metrics: noMetrics,
  maxWaiting: 10_000,
  maxWaitingBytes: 4 * 1024 * 1024,
  maxSumIds: 65_536,
  maxHeld: 1_000,
  maxBytes: 64 * 1024 * 1024,
  afterTurn: (run: () => void): void => queueMicrotask(run),
  onFirstMember: (): void => {},
  onLastMember: (): void => {},
} satisfies Partial<FanOutOptions>;

export type FanOutSettings = Required<FanOutOptions>;

export function withDefaults(options: FanOutOptions): FanOutSettings {
  return { ...DEFAULTS, ...options };
}
