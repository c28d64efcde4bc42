import { describe, expect, it } from 'vitest';
import { Silence } from './silence.js';

describe('Silence', () => {
  it('asks once after one and a half heartbeats, and gives up after two and a half [PR-112] [PR-113]', () => {
    const silence = new Silence(1_000, 0);
    expect([silence.check(1_499), silence.untilCheck(1_499)]).toEqual(['wait', 1]);
    expect([silence.check(1_500), silence.untilCheck(1_500)]).toEqual(['ping', 1_000]);
    expect(silence.check(2_499)).toBe('wait');
    expect(silence.check(2_500)).toBe('close');
  });

  it('begins anew with anything that is heard [PR-110]', () => {
    const silence = new Silence(1_000, 0);
    silence.check(1_500);
    silence.end(2_000);
    expect([silence.check(3_499), silence.check(3_500), silence.check(4_500)]).toEqual(['wait', 'ping', 'close']);
  });

  it('gives up at once after a stall in which nobody could be asked', () => {
    expect(new Silence(1_000, 0).check(10_000)).toBe('close');
  });
});
