import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { ActiveHeads } from './active-heads.js';

function setUp() {
  const clock = new FakeClock();
  const told: [at: number, group: string, version: number][] = [];
  const heads = new ActiveHeads({
    clock,
    onHead: (group, { version }) => void told.push([clock.monotonic(), group, version]),
  });
  return { clock, told, heads };
}

describe('ActiveHeads', () => {
  it('tells a head within 20 ms after 200 ms without a message and five times more, a second apart, then is quiet', () => {
    const { clock, told, heads } = setUp();
    heads.note('r:1', { epoch: 'e', version: 1 });
    clock.advance(150);
    heads.note('r:1', { epoch: 'e', version: 2 });
    clock.advance(60_000);
    expect(told).toEqual([360, 1_360, 2_360, 3_360, 4_360, 5_360].map((at) => [at, 'r:1', 2]));
    expect([heads.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('tells a head that was told before as soon as any other after its next message, and no more often', () => {
    const { clock, told, heads } = setUp();
    heads.note('r:1', { epoch: 'e', version: 1 });
    clock.advance(1_300);
    heads.note('r:1', { epoch: 'e', version: 2 });
    clock.advance(60_000);
    const times = [200, 1_200, 1_500, 2_500, 3_500, 4_500, 5_500, 6_500];
    expect(told).toEqual(times.map((at) => [at, 'r:1', at < 1_500 ? 1 : 2]));
    expect([heads.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it('uses one timer for all groups, and tells those due within 20 ms together', () => {
    const { clock, told, heads } = setUp();
    for (let group = 0; group < 40; group += 1) {
      heads.note(`r:${group}`, { epoch: 'e', version: 1 });
      clock.advance(1);
      expect(clock.pendingTimers).toBe(1);
    }
    clock.advance(300);
    expect(told.map(([, group]) => group)).toEqual(Array.from({ length: 40 }, (_, group) => `r:${group}`));
    expect(new Set(told.map(([at]) => at)).size).toBeLessThanOrEqual(4);
    expect(told.every(([at]) => at >= 200 && at <= 260)).toBe(true);
  });

  it('keeps to the head when a duplicate names a lower version, but follows a new epoch', () => {
    const { clock, told, heads } = setUp();
    heads.note('r:1', { epoch: 'e', version: 9 });
    heads.note('r:1', { epoch: 'e', version: 3 });
    clock.advance(200);
    heads.note('r:1', { epoch: 'f', version: 1 });
    clock.advance(200);
    expect(told.map(([, , version]) => version)).toEqual([9, 1]);
  });

  it('takes what a handler notes', () => {
    const clock = new FakeClock();
    let told = 0;
    const heads: ActiveHeads = new ActiveHeads({
      clock,
      onHead: () => {
        told += 1;
        if (told < 3) heads.note('r:1', { epoch: 'e', version: told });
      },
    });
    heads.note('r:1', { epoch: 'e', version: 0 });
    clock.advance(60_000);
    expect(told).toBe(2 + 6);
    expect(clock.pendingTimers).toBe(0);
  });

  it('holds 100,000 groups, and tells at once what it must forget', () => {
    const { told, heads } = setUp();
    for (let group = 0; group <= 100_000; group += 1) heads.note(`r:${group}`, { epoch: 'e', version: 1 });
    expect(heads.size).toBe(100_000);
    expect(told).toEqual([[0, 'r:0', 1]]);
  });

  it('forgets who was told before who was not', () => {
    const { clock, told, heads } = setUp();
    for (let group = 0; group < 100_000; group += 1) heads.note(`r:${group}`, { epoch: 'e', version: 1 });
    clock.advance(400);
    told.length = 0;
    for (let version = 1; version <= 3; version += 1) heads.note('r:new', { epoch: 'e', version });
    expect(told).toEqual([[400, 'r:0', 1]]);
    clock.advance(200);
    expect(told).toEqual([
      [400, 'r:0', 1],
      [600, 'r:new', 3],
    ]);
  });

  it('tells nothing more when what it told closes it', () => {
    const clock = new FakeClock();
    const told: string[] = [];
    const heads: ActiveHeads = new ActiveHeads({
      clock,
      onHead(group) {
        told.push(group);
        heads.close();
      },
    });
    for (const group of ['r:1', 'r:2', 'r:3']) heads.note(group, { epoch: 'e', version: 1 });
    clock.advance(60_000);
    expect([told, clock.pendingTimers]).toEqual([['r:1'], 0]);
  });

  it('leaves no timer when it is closed', () => {
    const { clock, told, heads } = setUp();
    heads.note('r:1', { epoch: 'e', version: 1 });
    heads.close();
    clock.advance(60_000);
    expect([told, clock.pendingTimers, heads.size]).toEqual([[], 0, 0]);
  });
});
