import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Transit } from './transit.js';

const WRAP = 2 ** 32;

/** What a transit makes of messages that were sent at these times and waited so long, on clocks that are so far apart. */
function measure(messages: readonly { sentAt: number; wayMs: number }[], apartMs: number): number[] {
  const transit = new Transit(false);
  return messages.map(({ sentAt, wayMs }) => {
    const theirs = (((sentAt + apartMs) % WRAP) + WRAP) % WRAP;
    return transit.waited(theirs, sentAt + wayMs);
  });
}

describe('transit', () => {
  it('[RP-40] counts as waiting what exceeds the fastest way, however far the clocks are apart', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -WRAP, max: WRAP }),
        fc.array(fc.integer({ min: 0, max: 25_000 }), { minLength: 1, maxLength: 20 }),
        (apartMs, waits) => {
          const messages = waits.map((wait, i) => ({ sentAt: 1_000 + i, wayMs: wait }));
          const expected = waits.map((wait, i) => wait - Math.min(...waits.slice(0, i + 1)));
          expect(measure(messages, apartMs)).toEqual(expected);
        },
      ),
    );
  });

  it('[RP-40] counts waiting across the moment when one clock passes the other', () => {
    expect(
      measure(
        [
          { sentAt: 500, wayMs: 0 },
          { sentAt: 600, wayMs: 2_500 },
        ],
        1_000,
      ),
    ).toEqual([0, 2_500]);
  });

  it('[RP-40] forgets a way that was short long ago, so that clocks may drift', () => {
    const transit = new Transit(false);
    expect(transit.waited(0, 0)).toBe(0);
    expect(transit.waited(31_000, 31_100)).toBe(100);
    expect(transit.waited(62_000, 62_100)).toBe(0);
  });

  it('takes all of it for waiting where both ends have one clock', () => {
    expect(new Transit(true).waited(100, 350.7)).toBe(250);
  });
});
