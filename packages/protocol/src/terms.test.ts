import { describe, expect, it } from 'vitest';
import type { Terms } from './delivery.js';
import { faultOfTerms, isLabel } from './terms.js';

describe('labels', () => {
  it.each(['a', '贈り物', '🎁'.repeat(32), 'x'.repeat(64), ' ', '\u0000'])('may be %j', (label) => {
    expect(isLabel(label)).toBe(true);
  });

  it.each(['', 'x'.repeat(65), '\ud800', 'a\udfff', 1, null, undefined])('may not be %j', (label) => {
    expect(isLabel(label)).toBe(false);
  });
});

describe('terms', () => {
  it.each<Terms>([
    {},
    { sender: 'ann' },
    { reserved: false },
    { sender: 'ann', reserved: true, conflate: { mode: 'latest', key: 'seat-1' } },
    { conflate: { mode: 'sum', key: 'like', amount: 1 } },
    { conflate: { mode: 'sum', key: 'like', amount: Number.MIN_SAFE_INTEGER } },
  ])('may be %j', (terms) => {
    expect(faultOfTerms(terms)).toBeUndefined();
  });

  it.each<[string, object]>([
    ['sender', { sender: '' }],
    ['sender', { sender: 7 }],
    ['sender', { sender: '\ud800' }],
    ['reserved', { reserved: 1 }],
    ['conflate', { conflate: null }],
    ['conflate', { conflate: 'sum' }],
    ['conflate.mode', { conflate: { key: 'like' } }],
    ['conflate.mode', { conflate: { mode: 'first', key: 'like' } }],
    ['conflate.key', { conflate: { mode: 'latest' } }],
    ['conflate.key', { conflate: { mode: 'latest', key: 'x'.repeat(65) } }],
    ['conflate.amount', { conflate: { mode: 'latest', key: 'seat-1', amount: 1 } }],
    ['conflate.amount', { conflate: { mode: 'sum', key: 'like' } }],
    ['conflate.amount', { conflate: { mode: 'sum', key: 'like', amount: 0.5 } }],
    ['conflate.amount', { conflate: { mode: 'sum', key: 'like', amount: 2 ** 53 } }],
    ['conflate.amount', { conflate: { mode: 'sum', key: 'like', amount: Number.NaN } }],
  ])('are at fault in %s: %j', (field, terms) => {
    expect(faultOfTerms(terms)).toEqual({ field, problem: expect.any(String) });
  });
});
