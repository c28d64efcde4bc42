/**
 * What a message costs on its way through a frame, whatever the size of the audience: `vitest bench --project unit:@im/groups`. Each round is a frame
 * of 200 messages (`floods`: 13,000), from the first to the part that members are written.
 */
import type { Delivery, Terms } from '@im/protocol';
import { bench, describe } from 'vitest';
import { Budget } from './budget.js';
import { frameRoom } from './group-room.js';
import { NormalFrame } from './normal-frame.js';

const budget = new Budget(64 * 1024 * 1024);
const waiting = frameRoom(10_000, 4 * 1024 * 1024);
const shared = { waiting, most: { messages: 13_333, bytes: 6 * 1024 * 1024 }, budget, random: Math.random };
const room = frameRoom(1_000, 512 * 1024);
const body = new Uint8Array(150);

function say(count: number, termsOf: (index: number) => Terms | undefined): Delivery[] {
  return Array.from({ length: count }, (_, index) => {
    const terms = termsOf(index);
    return { group: 'r:1', lane: 'normal', event: 'chat', body, time: 0, ...(terms && { terms }) };
  });
}

function frameOf(messages: readonly Delivery[]): void {
  const frame = new NormalFrame('r:1', shared);
  for (const message of messages) {
    const conflation = message.terms?.conflate;
    if (conflation === undefined) frame.add(message);
    else frame.conflate(message, conflation, 1);
  }
  frame.admit(room);
  frame.part(undefined);
  frame.discard();
}

describe('a frame', () => {
  const plain = say(200, () => undefined);
  const sums = say(200, (index) => ({ conflate: { mode: 'sum', key: `${index % 4}`, amount: 1 } }));
  const keys = say(200, (index) => ({ conflate: { mode: 'latest', key: `${index}` } }));
  bench('of messages without terms', () => frameOf(plain));
  bench('of sums of four keys', () => frameOf(sums));
  bench('of as many keys as messages', () => frameOf(keys));
});

describe('floods', () => {
  const one = say(13_000, () => ({ sender: 'flood' }));
  const many = say(13_000, (index) => ({ sender: `${index % 3_000}` }));
  bench('of one sender', () => frameOf(one));
  bench('of many', () => frameOf(many));
});
