import { describe, expect, it } from 'vitest';
import { CLOSE_CODES, shouldReconnect } from './close-codes.js';

describe('shouldReconnect', () => {
  it.each([4000, 4006, 4499])('[PR-120] says yes to %i, known or not', (code) => {
    expect(shouldReconnect(code)).toBe(true);
  });

  it.each([4500, 4506, 4999])('[PR-120] says no to %i, known or not', (code) => {
    expect(shouldReconnect(code)).toBe(false);
  });

  it.each([1000, 1001, 1006, 1012, 3000, 3999, 5000, 0])('[PR-121] says yes to %i, which is not ours', (code) => {
    expect(shouldReconnect(code)).toBe(true);
  });

  it('sends home for good only those whose next attempt would fare no better', () => {
    const final = Object.entries(CLOSE_CODES).filter(([, { code }]) => !shouldReconnect(code));
    expect(final.map(([name]) => name)).toEqual([
      'MALFORMED',
      'FRAME_TOO_LARGE',
      'UNAUTHORIZED',
      'REMOVED',
      'SESSION_TAKEN_OVER',
      'PROTOCOL_VIOLATION',
      'DEVICE_REPLACED',
    ]);
  });
});
