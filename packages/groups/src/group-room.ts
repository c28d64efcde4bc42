/**
 * What a group's frames have room for: while they are not written in time less with each that is overdue, more again as time goes by.
 * Must not know what waits.
 */
import type { Clock } from '@im/protocol/ports';
import type { FrameRoom, Room } from './admission.js';

/** The part that stays for reserved messages. */
const RESERVED_SHARE = 0.25;
/** The part that is left for all in the end. */
const LEAST_SHARE = 0.05;
const DECREASE = 0.85;
const RECOVERY_PER_SECOND = 0.1;
/** Once is a hiccup: two frames go as one. */
const OVERDUE_IN_A_ROW = 2;

/** Room for so many messages and bytes. */
export function frameRoom(messages: number, bytes: number): FrameRoom {
  return { messages, bytes, reserved: portion({ messages, bytes }, RESERVED_SHARE) };
}

export class GroupRoom {
  readonly #full: FrameRoom;
  readonly #clock: Clock;
  readonly #narrowed: Set<GroupRoom>;
  #share = 1;
  /** When the share was that. */
  #at = 0;
  /** So many times in a row. */
  #overdue = 0;
  #wasInTime = true;

  /** @param narrowed holds those rooms that are not full */
  constructor(full: FrameRoom, clock: Clock, narrowed: Set<GroupRoom>) {
    this.#full = full;
    this.#clock = clock;
    this.#narrowed = narrowed;
  }

  /** How much of the full room there is now. */
  get share(): number {
    if (this.#share === 1) return 1;
    const seconds = (this.#clock.monotonic() - this.#at) / 1000;
    return Math.min(1, this.#share + seconds * RECOVERY_PER_SECOND);
  }

  get now(): FrameRoom {
    const { share } = this;
    if (share < 1) return { ...portion(this.#full, share), reserved: this.#full.reserved };
    if (this.#share < 1) this.widen();
    return this.#full;
  }

  /** A frame begins. @returns its room */
  begin(): FrameRoom {
    if (this.#wasInTime) this.#overdue = 0;
    this.#wasInTime = true;
    return this.now;
  }

  /** A frame with that many messages and bytes took too long, or is still being written when the next one is due. */
  overdue({ length, bytes }: { readonly length: number; readonly bytes: number }): void {
    this.#wasInTime = false;
    this.#overdue += 1;
    if (this.#overdue < OVERDUE_IN_A_ROW) return;
    const filled = Math.max(length / this.#full.messages, bytes / this.#full.bytes);
    this.#share = Math.max(LEAST_SHARE, Math.min(this.share, filled) * DECREASE);
    this.#at = this.#clock.monotonic();
    this.#narrowed.add(this);
  }

  /** It is full again; or its group is gone. */
  widen(): void {
    this.#share = 1;
    this.#narrowed.delete(this);
  }
}

function portion({ messages, bytes }: Room, share: number): Room {
  return { messages: Math.round(messages * share), bytes: Math.round(bytes * share) };
}
