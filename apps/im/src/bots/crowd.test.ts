import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { Crowd, type Viewer } from './crowd.js';
import { botName, chatLine, giftCheer } from './phrases.js';
import { seededRandom } from './seeded-random.js';

interface Deeds {
  said: number;
  cheered: number;
  liked: number;
  gave: number;
  came: number;
  went: number;
}

function setUp(size: number, seed = 1) {
  const deeds: Deeds = { said: 0, cheered: 0, liked: 0, gave: 0, came: 0, went: 0 };
  const present = new Set<Viewer>();
  const faults: string[] = [];
  const acts = (viewer: Viewer, deed: keyof Deeds): void => {
    if (!present.has(viewer)) faults.push(`${deed} by somebody who is not there`);
    deeds[deed] += 1;
  };
  const viewers = Array.from({ length: size }, () => {
    const viewer: Viewer = {
      async come() {
        if (present.has(viewer)) faults.push('came twice');
        present.add(viewer);
        deeds.came += 1;
      },
      go() {
        acts(viewer, 'went');
        present.delete(viewer);
      },
      say: () => acts(viewer, 'said'),
      cheer: () => acts(viewer, 'cheered'),
      like: () => acts(viewer, 'liked'),
      give: () => acts(viewer, 'gave'),
    };
    return viewer;
  });
  const clock = new FakeClock();
  const crowd = new Crowd({ viewers, clock, random: seededRandom(seed) });
  const pass = async (seconds: number): Promise<void> => {
    for (let step = 0; step < seconds * 10; step += 1) {
      clock.advance(100);
      await Promise.resolve();
      await Promise.resolve();
    }
  };
  return { deeds, present, faults, clock, crowd, pass };
}

describe('a crowd', () => {
  it('arrives within seconds, chats, likes and gives, and only who is there does', async () => {
    const { deeds, present, faults, crowd, pass } = setUp(200);
    crowd.start();
    await pass(10);
    expect(present.size).toBeGreaterThan(180);
    await pass(110);
    crowd.stop();
    expect(faults).toEqual([]);
    expect(deeds.said).toBeGreaterThan(300);
    expect(deeds.said).toBeLessThan(1_200);
    expect(deeds.liked).toBeGreaterThan(200);
    expect(deeds.gave).toBeGreaterThan(20);
    expect(deeds.went).toBeGreaterThan(50);
    expect(deeds.came).toBeGreaterThan(220);
  });

  it('of ten times as many talks about three times as much', async () => {
    const counts = [];
    for (const size of [100, 1_000]) {
      const { deeds, crowd, pass } = setUp(size);
      crowd.start();
      await pass(60);
      crowd.stop();
      counts.push(deeds.said);
    }
    const [few = 0, many = 0] = counts;
    expect(many / few).toBeGreaterThan(2);
    expect(many / few).toBeLessThan(5);
  });

  it('reacts to a stir', async () => {
    const { deeds, crowd, pass } = setUp(100);
    crowd.start();
    await pass(20);
    const calm = deeds.said;
    for (let second = 0; second < 20; second += 1) {
      crowd.stir('Mia', 1);
      await pass(1);
    }
    expect(deeds.cheered).toBeGreaterThan(5);
    expect(deeds.said - calm).toBeGreaterThan(calm * 1.5);
  });

  it('does the same for the same seed', async () => {
    const runs = [];
    for (const seed of [5, 5, 6]) {
      const { deeds, crowd, pass } = setUp(50, seed);
      crowd.start();
      await pass(60);
      crowd.stop();
      runs.push(JSON.stringify(deeds));
    }
    expect(runs[0]).toBe(runs[1]);
    expect(runs[0]).not.toBe(runs[2]);
  });

  it('leaves no timer behind when it is stopped', async () => {
    const { clock, crowd, pass } = setUp(50);
    crowd.start();
    await pass(20);
    crowd.stop();
    await pass(1);
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('what they are called and say', () => {
  it('has a name of its own for everybody, short enough to sign in with', () => {
    const names = Array.from({ length: 5_000 }, (_, index) => botName(index));
    expect(new Set(names).size).toBe(5_000);
    expect(Math.max(...names.map((name) => name.length))).toBeLessThanOrEqual(32);
  });

  it('leaves no gap open in any line, in both languages', () => {
    const random = seededRandom(3);
    const lines = Array.from({ length: 2_000 }, () => [chatLine(random), giftCheer('Mia', random)]).flat();
    expect(lines.filter((line) => /[{}]|undefined|^$/.test(line))).toEqual([]);
    expect(lines.some((line) => /\p{Script=Han}/u.test(line))).toBe(true);
    expect(lines.some((line) => /^[\x20-\x7e]+$/.test(line))).toBe(true);
    expect(new Set(lines).size).toBeGreaterThan(60);
  });
});
