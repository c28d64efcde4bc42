import { DEFAULT_LIMITS, type ReceivedCommand } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { CommandGate, GateRules } from './command-gate.js';
import { Rate } from './rate.js';

const call: ReceivedCommand<Uint8Array> = { type: 'call', id: 1, method: 'a.b' };
const sync: ReceivedCommand<Uint8Array> = { type: 'sync', id: 1, group: 'r:1', epoch: 'e1', after: 0, limit: 1_000 };
const unknown: ReceivedCommand<Uint8Array> = { type: 'unknown', kind: 'dance', id: 1 };

describe('Rate', () => {
  it('gives a burst, then its rate, and never more than the burst after a rest', () => {
    const rate = new Rate(50, 100);
    let bucket = 0;
    const takeAll = (now: number): number => {
      let taken = 0;
      for (let next = rate.take(bucket, now); next !== undefined; next = rate.take(bucket, now)) {
        bucket = next;
        taken++;
      }
      return taken;
    };
    expect(takeAll(0)).toBe(100);
    expect(takeAll(1_000)).toBe(50);
    expect(takeAll(1_010)).toBe(0);
    expect(takeAll(1_020)).toBe(1);
    expect(takeAll(60_000)).toBe(100);
  });

  it('says when the next one will be there', () => {
    const rate = new Rate(50, 1);
    const bucket = rate.take(0, 0) as number;
    expect(rate.take(bucket, 5)).toBeUndefined();
    expect(rate.retryAfterMs(bucket, 5)).toBe(15);
    expect(rate.take(bucket, 20)).toBe(40);
  });

  it('gives its burst to the last one also where a token is no whole number of milliseconds', () => {
    for (const perSecond of [3, 7, 11, 13, 99, 101]) {
      const rate = new Rate(perSecond, perSecond * 2);
      let bucket: number | undefined = 0;
      for (let i = 0; i < perSecond * 2; i++) bucket = rate.take(bucket as number, 12_345.678);
      expect(bucket).toBeDefined();
      expect(rate.take(bucket as number, 12_345.678)).toBeUndefined();
    }
  });
});

describe('CommandGate', () => {
  const rules = new GateRules({ ...DEFAULT_LIMITS, commandsPerSecond: 10, pendingCalls: 3 });

  it('objects to an id that is unanswered, until it is answered [PR-22]', () => {
    const gate = new CommandGate(rules);
    expect(gate.admit(1, call, 0)).toBeUndefined();
    expect(gate.admit(1, unknown, 0)).toMatchObject({ name: 'DUPLICATE_ID' });
    expect(gate.unanswered).toBe(1);
    gate.answered(1);
    expect(gate.admit(1, call, 0)).toBeUndefined();
  });

  it('objects to one call too many, not to what is answered at once [PR-26]', () => {
    const gate = new CommandGate(rules);
    for (let id = 1; id <= 3; id++) expect(gate.admit(id, call, 0)).toBeUndefined();
    expect(gate.admit(4, call, 0)).toMatchObject({ name: 'TOO_MANY_PENDING' });
    expect(gate.admit(4, unknown, 0)).toBeUndefined();
    gate.close();
    expect(gate.unanswered).toBe(0);
  });

  it('objects beyond twice the rate at once, and says how long to wait; what it refuses is not unanswered [PR-27]', () => {
    const gate = new CommandGate(rules);
    for (let id = 1; id <= 20; id++) {
      gate.admit(id, unknown, 0);
      gate.answered(id);
    }
    expect(gate.admit(21, unknown, 0)).toMatchObject({ name: 'RATE_LIMITED', details: { retryAfterMs: 100 } });
    expect(gate.unanswered).toBe(0);
    expect(gate.admit(21, unknown, 100)).toBeUndefined();
  });

  it('has a sync wait for all that it costs, and no longer [PR-27]', () => {
    const gate = new CommandGate(rules);
    expect(gate.admit(1, sync, 0)).toBeUndefined();
    expect(gate.admit(2, sync, 0)).toMatchObject({ name: 'RATE_LIMITED', details: { retryAfterMs: 200 } });
    expect(gate.admit(2, sync, 199)).toMatchObject({ details: { retryAfterMs: 1 } });
    expect(gate.admit(2, sync, 200)).toBeUndefined();
  });

  it('lets the largest sync in at the smallest rate, for all that there is [PR-27]', () => {
    const gate = new CommandGate(new GateRules({ ...DEFAULT_LIMITS, commandsPerSecond: 1 }));
    expect(gate.admit(1, sync, 0)).toBeUndefined();
    expect(gate.admit(2, call, 0)).toMatchObject({ name: 'RATE_LIMITED', details: { retryAfterMs: 1_000 } });
    expect(gate.admit(2, sync, 0)).toMatchObject({ name: 'RATE_LIMITED', details: { retryAfterMs: 2_000 } });
    expect(gate.admit(2, sync, 2_000)).toBeUndefined();
  });

  it('calls more than ten times the rate a flood [PR-28]', () => {
    const gate = new CommandGate(rules);
    let taken = 0;
    while (gate.countAnything(0)) taken++;
    expect(taken).toBe(200);
    expect(gate.countAnything(10)).toBe(true);
    expect(gate.countAnything(10)).toBe(false);
  });
});
