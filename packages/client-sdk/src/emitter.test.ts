import { describe, expect, it } from 'vitest';
import { createEmitter } from './emitter.js';

describe('createEmitter', () => {
  it('calls listeners in the order in which they came, and says whether anyone listened', () => {
    const emitter = createEmitter(() => {});
    const seen: unknown[] = [];
    emitter.on('gift', (gift: string, n: number) => seen.push(['first', gift, n]));
    emitter.on('gift', (gift: string) => seen.push(['second', gift]));
    expect(emitter.emit('gift', 'rocket', 2)).toBe(true);
    expect(emitter.emit('toString')).toBe(false);
    expect(seen).toEqual([
      ['first', 'rocket', 2],
      ['second', 'rocket'],
    ]);
  });

  it('takes back exactly the one subscription, also of a listener that came twice', () => {
    const emitter = createEmitter(() => {});
    let calls = 0;
    const listener = () => calls++;
    const off = emitter.on('chat', listener);
    emitter.on('chat', listener);
    off();
    off();
    emitter.emit('chat');
    expect(calls).toBe(1);
  });

  it('calls those that were there when the event came, whatever listeners do to the list', () => {
    const emitter = createEmitter(() => {});
    const seen: string[] = [];
    const off = emitter.on('chat', () => {
      off();
      emitter.on('chat', () => seen.push('late'));
      seen.push('first');
    });
    emitter.on('chat', () => seen.push('second'));
    emitter.emit('chat');
    expect(seen).toEqual(['first', 'second']);
    emitter.emit('chat');
    expect(seen).toEqual(['first', 'second', 'second', 'late']);
  });

  it('reports what a listener throws or rejects with, and calls the others', async () => {
    const reported: unknown[] = [];
    const emitter = createEmitter((error) => reported.push(error));
    const thrown = new Error('thrown');
    const rejected = new Error('rejected');
    let reached = false;
    emitter.on('chat', () => {
      throw thrown;
    });
    emitter.on('chat', () => Promise.reject(rejected));
    emitter.on('chat', () => {
      reached = true;
    });
    emitter.emit('chat');
    await Promise.resolve();
    expect(reported).toEqual([thrown, rejected]);
    expect(reached).toBe(true);
  });
});
