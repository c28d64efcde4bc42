import { describe, expect, it } from 'vitest';
import { isEventName } from './event-name.js';

describe('isEventName', () => {
  it.each(['chat', '$kick', 'a', 'gift.combo:2_x-y', `a${'b'.repeat(63)}`])('[PR-81] takes %j', (text) => {
    expect(isEventName(text)).toBe(true);
  });

  it.each(['', '1up', '.chat', 'a b', 'chat\n', 'é', 'ch$at', `a${'b'.repeat(64)}`])('[PR-81] refuses %j', (text) => {
    expect(isEventName(text)).toBe(false);
  });
});
