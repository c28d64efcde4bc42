import { DEFAULT_LIMITS, type ReceivedCommand } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { CommandGate } from './command-gate.js';
import { TokenBucket } from './token-bucket.js';

const call: ReceivedCommand<Uint8Array> = { type: 'call', id: 1, method: 'a.b' };
const unknown: ReceivedCommand<Uint8Array> = { type: 'unknown', kind: 'dance', id: 1 };

describe('TokenBucket', () => {
  it('gives a burst, then its rate, and never more than the burst after a rest', () => {
    const bucket = new TokenBucket(50, 100, 0);
    const takeAll = (now: number): number => {
      let taken = 0;
      while (bucket.take(now)) taken++;
      return taken;
    };
    expect(takeAll(0)).toBe(100);
    expect(takeAll(1_000)).toBe(50);
    expect(takeAll(1_010)).toBe(0);
    expect(takeAll(1_020)).toBe(1);
    expect(takeAll(60_000)).toBe(100);
  });

  it('says when the next one will be there', () => {
    const bucket = new TokenBucket(50, 1, 0);
    bucket.take(0);
    expect(bucket.take(5)).toBe(false);
    expect(bucket.retryAfterMs).toBe(15);
    expect(bucket.take(20)).toBe(true);
  });
});

describe('CommandGate', () => {
  const limits = { ...DEFAULT_LIMITS, commandsPerSecond: 10, pendingCalls: 3 };

  it('objects to an id that is unanswered, until it is answered [PR-22]', () => {
    const gate = new CommandGate(limits, 0);
    expect(gate.admit(1, call, 0)).toBeUndefined();
    expect(gate.admit(1, unknown, 0)).toMatchObject({ name: 'DUPLICATE_ID' });
    expect(gate.unanswered).toBe(1);
    gate.answered(1);
    expect(gate.admit(1, call, 0)).toBeUndefined();
  });

  it('objects to one call too many, not to what is answered at once [PR-26]', () => {
    const gate = new CommandGate(limits, 0);
    for (let id = 1; id <= 3; id++) expect(gate.admit(id, call, 0)).toBeUndefined();
    expect(gate.admit(4, call, 0)).toMatchObject({ name: 'TOO_MANY_PENDING' });
    expect(gate.admit(4, unknown, 0)).toBeUndefined();
    gate.close();
    expect(gate.unanswered).toBe(0);
  });

  it('objects beyond twice the rate at once, and says how long to wait; what it refuses is not unanswered [PR-27]', () => {
    const gate = new CommandGate(limits, 0);
    for (let id = 1; id <= 20; id++) {
      gate.admit(id, unknown, 0);
      gate.answered(id);
    }
    expect(gate.admit(21, unknown, 0)).toMatchObject({ name: 'RATE_LIMITED', details: { retryAfterMs: 100 } });
    expect(gate.unanswered).toBe(0);
    expect(gate.admit(21, unknown, 100)).toBeUndefined();
  });

  it('calls more than ten times the rate a flood [PR-28]', () => {
    const gate = new CommandGate(limits, 0);
    let taken = 0;
    while (gate.countAnything(0)) taken++;
    expect(taken).toBe(200);
    expect(gate.countAnything(10)).toBe(true);
    expect(gate.countAnything(10)).toBe(false);
  });
});
