import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Likes } from './likes.js';

describe('likes', () => {
  const sent: number[] = [];
  const shown: [total: string, others: number][] = [];
  let outcome: () => Promise<unknown>;
  let likes: Likes;

  beforeEach(() => {
    vi.useFakeTimers();
    sent.length = shown.length = 0;
    outcome = () => Promise.resolve();
    likes = new Likes({
      send(count) {
        sent.push(count);
        return outcome();
      },
      show: (total, others) => void shown.push([total, others]),
    });
  });
  afterEach(() => {
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it('go out once a second, as many as one call takes', async () => {
    for (let tap = 0; tap < 130; tap++) likes.tap();
    expect(sent).toEqual([]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent).toEqual([100]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sent).toEqual([100, 30]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(sent).toEqual([100, 30]);
  });

  it('add up to what the room says, of which others gave what was not sent here', async () => {
    likes.receive(40);
    likes.tap();
    likes.tap();
    await vi.advanceTimersByTimeAsync(1_000);
    likes.receive(52);
    likes.receive(3);
    expect(shown).toEqual([
      ['40', 40],
      ['92', 50],
      ['95', 3],
    ]);
  });

  it('that were refused are not waited for', async () => {
    outcome = () => Promise.reject(new Error('too fast'));
    likes.tap();
    await vi.advanceTimersByTimeAsync(1_000);
    likes.receive(1);
    expect(shown).toEqual([['1', 1]]);
  });

  it('say that there were more when nobody knows how many were missed', () => {
    likes.missed();
    likes.receive(1_200);
    likes.missed();
    likes.receive(1);
    expect(shown.map(([total]) => total)).toEqual([
      (1_200).toLocaleString(),
      `${(1_200).toLocaleString()}+`,
      `${(1_201).toLocaleString()}+`,
    ]);
  });
});
