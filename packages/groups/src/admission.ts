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
    for (const index of inTurns(waiting, indices, random)) {
      if (taken.messages > 0 && taken.messages >= messages) return;
      const weight = weigh(waiting[index] as Candidate);
      if (taken.messages > 0 && taken.bytes + weight > bytes) continue;
      goes[index] = 1;
      taken.messages += 1;
      taken.bytes += weight;
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
 * One of each sender, in random order, then a second of those that have one, and so on. Without a sender each is one's own. Drawn twice: which of
 * its messages is a sender's first, and which sender comes first; else who has many would come first.
 */
function inTurns(waiting: readonly Candidate[], indices: readonly number[], random: Random): Uint32Array {
  const drawn = shuffle(Uint32Array.from(indices), random);
  const turns = new Uint32Array(drawn.length);
  const bySender = new Map<string, number>();
  const sizes: number[] = [];
  for (let i = 0; i < drawn.length; i += 1) {
    const sender = waiting[drawn[i] as number]?.terms?.sender;
    const turn = sender === undefined ? 0 : (bySender.get(sender) ?? 0);
    if (sender !== undefined) bySender.set(sender, turn + 1);
    turns[i] = turn;
    sizes[turn] = (sizes[turn] ?? 0) + 1;
  }
  /** Where each turn's next one goes; in the end, where the turn ends. */
  const ends: number[] = [];
  for (let turn = 0, begin = 0; turn < sizes.length; turn += 1) {
    ends[turn] = begin;
    begin += sizes[turn] as number;
  }
  const ordered = new Uint32Array(drawn.length);
  for (let i = 0; i < drawn.length; i += 1) {
    const turn = turns[i] as number;
    const place = ends[turn] as number;
    ordered[place] = drawn[i] as number;
    ends[turn] = place + 1;
  }
  let begin = 0;
  for (const end of ends) {
    if (end - begin > 1) shuffle(ordered.subarray(begin, end), random);
    begin = end;
  }
  return ordered;
}

/** Fisher–Yates, in place. */
function shuffle(indices: Uint32Array, random: Random): Uint32Array {
  for (let i = indices.length - 1; i > 0; i -= 1) {
    const other = Math.floor(random() * (i + 1));
    const kept = indices[i] as number;
    indices[i] = indices[other] as number;
    indices[other] = kept;
  }
  return indices;
}
