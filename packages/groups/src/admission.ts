/**
 * Which of the messages that wait go, where there are more than there is room: reserved ones first, then each sender gets one in turn, in
 * random order. Pure. Must not know why there is no more room.
 */
import type { Terms } from '@im/protocol';
import type { Random } from '@im/protocol/ports';
import { weigh } from './budget.js';

export interface Candidate {
  readonly body: Uint8Array;
  readonly terms?: { readonly [K in 'sender' | 'reserved']?: Terms[K] | undefined };
}

export interface Room {
  readonly messages: number;
  /** As {@link weigh} counts. */
  readonly bytes: number;
}

/** Room for a frame's messages, and how much of it those that are reserved have in any case. */
export interface FrameRoom extends Room {
  readonly reserved: Room;
}

/**
 * Chooses among the waiting, in O(their number). One goes in any case, however large.
 * @returns for each 1 if it goes
 */
export function admit(waiting: readonly Candidate[], room: FrameRoom, random: Random): Uint8Array {
  const goes = new Uint8Array(waiting.length);
  const taken = { messages: 0, bytes: 0 };
  const take = (indices: readonly number[], { messages, bytes }: Room): void => {
    for (const turn of turnsOf(waiting, indices, random)) {
      for (const index of shuffle(turn, random)) {
        if (taken.messages > 0 && taken.messages >= messages) return;
        const weight = weigh(waiting[index] as Candidate);
        if (taken.messages > 0 && taken.bytes + weight > bytes) continue;
        goes[index] = 1;
        taken.messages += 1;
        taken.bytes += weight;
      }
    }
  };
  const reserved: number[] = [];
  const others: number[] = [];
  for (let i = 0; i < waiting.length; i += 1) (waiting[i]?.terms?.reserved ? reserved : others).push(i);
  take(reserved, {
    messages: Math.max(room.messages, room.reserved.messages),
    bytes: Math.max(room.bytes, room.reserved.bytes),
  });
  take(others, room);
  return goes;
}

/**
 * One of each sender, drawn from its messages, then a second of those that have one, and so on. Without a sender each is one's own. The
 * order within a turn is that in which they were drawn: who has many is drawn early, so it must be shuffled.
 */
function turnsOf(waiting: readonly Candidate[], indices: readonly number[], random: Random): number[][] {
  const senders = numberSenders(waiting, indices);
  const drawn = shuffle(Array.from(indices.keys()), random);
  /** So many of each sender were drawn. */
  const counts = new Uint32Array(indices.length + 1);
  const turns: number[][] = [];
  for (const place of drawn) {
    const sender = senders[place] as number;
    const turn = sender === NOBODY ? 0 : (counts[sender] as number);
    counts[sender] = turn + 1;
    const index = indices[place] as number;
    const others = turns[turn];
    if (others === undefined) turns[turn] = [index];
    else others.push(index);
  }
  return turns;
}

const NOBODY = 0;

/** For each its sender as a number: what is drawn is spread over memory, and is looked at in order, once. */
function numberSenders(waiting: readonly Candidate[], indices: readonly number[]): Uint32Array {
  const numbers = new Map<string, number>();
  return Uint32Array.from(indices, (index) => {
    const sender = waiting[index]?.terms?.sender;
    if (sender === undefined) return NOBODY;
    const number = numbers.get(sender) ?? numbers.size + 1;
    numbers.set(sender, number);
    return number;
  });
}

/** Fisher–Yates, in place. */
function shuffle(indices: number[], random: Random): number[] {
  for (let i = indices.length - 1; i > 0; i -= 1) {
    const other = Math.floor(random() * (i + 1));
    const kept = indices[i] as number;
    indices[i] = indices[other] as number;
    indices[other] = kept;
  }
  return indices;
}
