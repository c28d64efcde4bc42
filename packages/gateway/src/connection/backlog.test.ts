import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Link } from '../link.js';
import { Backlog } from './backlog.js';
import { Deadline, TimerWheel } from './timer-wheel.js';
import { Unanswered } from './unanswered.js';

const SOFT = 100_000;
const HARD = 200_000;
const STALL_MS = 5_000;
/** A second as ticks of 100 ms count it: never early. */
const SECOND_MS = 1_100;

/** A wheel turns while something waits, as it always does where there are connections. */
class Waiting extends Deadline {
  reached(): void {}
}

function setUp({ stallMs = STALL_MS, clock = new FakeClock() } = {}) {
  const wheel = new TimerWheel(clock, 100);
  const metrics = new RecordingMetrics();
  const bytes = metrics.histogram('bytes', { help: '' });
  const turns: (() => void)[] = [];
  const unanswered = new Unanswered({ wheel, stallMs, bytes, nextTurn: (run) => void turns.push(run) });
  const endTurn = (): void => {
    for (const run of turns.splice(0)) run();
  };
  const asked: number[] = [];
  const link = { bufferedBytes: 0, probe: (number: number) => asked.push(number) };
  const closed: string[] = [];
  const make = (): Backlog => {
    const connection = {
      close(name: string) {
        closed.push(name);
        backlog.close();
      },
    };
    const limits = { softBacklogBytes: SOFT, hardBacklogBytes: HARD };
    const backlog = new Backlog(connection, link as unknown as Link, limits, unanswered);
    return backlog;
  };
  const backlog = make();
  /** As a connection does. */
  const write = (bytes: number, to = backlog): void => {
    const question = to.writing(bytes);
    if (question !== undefined) link.probe(question);
    if (to.overflowing) to.giveUp();
  };
  const answer = (): boolean => backlog.confirmed(asked.at(-1) ?? Number.NaN);
  wheel.set(new Waiting(), 1_000_000_000);
  const settled: string[] = [];
  const wait = async (name: string): Promise<void> => {
    await backlog.relieved();
    settled.push(name);
  };
  return {
    clock,
    unanswered,
    metrics,
    asked,
    link,
    closed,
    make,
    backlog,
    write,
    answer,
    settled,
    wait,
    turns,
    endTurn,
  };
}
const turn = (): Promise<void> => new Promise(setImmediate);

describe('Backlog', () => {
  it('asks at most once a second where little is written, and not at all about less than it is worth [PR-115]', () => {
    const { write, clock, asked, answer } = setUp();
    clock.advance(SECOND_MS);
    write(4_095);
    expect(asked).toHaveLength(0);
    write(1);
    expect(asked).toHaveLength(1);
    expect(answer()).toBe(true);
    for (let i = 0; i < 10; i++) {
      write(4_096);
      clock.advance(100);
    }
    expect(asked).toHaveLength(1);
    clock.advance(100);
    write(1);
    expect(asked).toHaveLength(2);
  });

  it('asks at once about half the soft limit, and again about what was written meanwhile [PR-115]', () => {
    const { write, backlog, asked, answer } = setUp();
    write(SOFT / 2);
    expect(asked).toHaveLength(0);
    write(1);
    expect(asked).toHaveLength(1);
    write(SOFT);
    expect(asked).toHaveLength(1);
    answer();
    expect([asked.length, backlog.unconfirmed]).toEqual([2, SOFT]);
    answer();
    expect([asked.length, backlog.unconfirmed]).toEqual([2, 0]);
  });

  it('is confirmed by the answer to its open question and by no other [PR-117]', () => {
    const { write, clock, backlog, asked } = setUp();
    write(60_000);
    const [number = 0] = asked;
    write(1_000);
    expect([backlog.confirmed(number + 1), backlog.confirmed(number - 1), backlog.unconfirmed]).toEqual([
      false,
      false,
      61_000,
    ]);
    expect([backlog.confirmed(number), backlog.unconfirmed]).toEqual([true, 1_000]);
    clock.advance(5_000);
    expect([backlog.confirmed(number), backlog.confirmed(number), backlog.unconfirmed]).toEqual([false, false, 1_000]);
  });

  it('is congested above the soft limit until enough is confirmed [PR-86] [PR-116]', () => {
    const { write, backlog, answer, closed } = setUp();
    write(SOFT);
    expect(backlog.congested).toBe(false);
    write(1);
    expect(backlog.congested).toBe(true);
    answer();
    expect([backlog.congested, backlog.unconfirmed, closed]).toEqual([false, 1, []]);
  });

  it('is congested while a question has been open for a second [PR-116]', () => {
    const { write, clock, backlog, answer } = setUp();
    clock.advance(SECOND_MS);
    write(5_000);
    clock.advance(SECOND_MS - 1);
    expect(backlog.congested).toBe(false);
    clock.advance(1);
    expect(backlog.congested).toBe(true);
    answer();
    expect(backlog.congested).toBe(false);
  });

  it('does not take a client for slow because this process was held up', () => {
    let heldUpMs = 0;
    class Interrupted extends FakeClock {
      override monotonic(): number {
        return super.monotonic() + heldUpMs;
      }
    }
    const { write, clock, backlog, closed } = setUp({ clock: new Interrupted() });
    write(SOFT);
    heldUpMs = 3_600_000;
    clock.advance(200);
    expect([backlog.congested, closed]).toEqual([false, []]);
    clock.advance(SECOND_MS - 200);
    expect(backlog.congested).toBe(true);
  });

  it('closes beyond the hard limit [PR-87] [PR-117]', () => {
    const { write, closed } = setUp();
    write(HARD);
    expect(closed).toEqual([]);
    write(1);
    expect(closed).toEqual(['SLOW_CONSUMER']);
  });

  it('does not believe that what has not left this process was read [PR-117]', () => {
    const { write, link, closed, answer } = setUp();
    for (let written = 0; closed.length === 0; written += SOFT) {
      expect(written).toBeLessThan(4 * SOFT);
      write(SOFT);
      link.bufferedBytes += SOFT;
      answer();
    }
    expect(closed).toEqual(['SLOW_CONSUMER']);
  });

  it('closes who has not answered for as long as is configured, and nobody else, within a second [PR-117]', () => {
    const { write, clock, make, unanswered, metrics, asked, closed } = setUp();
    const [stalled, slow, level] = [make(), make(), make()];
    for (const backlog of [stalled, slow, level]) write(SOFT, backlog);
    level.confirmed(asked[2] as number);
    clock.advance(STALL_MS - 1_000);
    slow.confirmed(asked[1] as number);
    write(SOFT, slow);
    expect([unanswered.congested, closed]).toEqual([1, []]);
    clock.advance(2_000);
    expect([closed, slow.congested]).toEqual([['SLOW_CONSUMER'], true]);
    slow.confirmed(asked.at(-1) as number);
    clock.advance(60_000);
    expect([unanswered.congested, closed.length]).toEqual([0, 1]);
    // Of each when it answered, and each second while it was late.
    const [ofLevel, ofStalled, ofSlow] = [1, 4, 3 + 1 + 1 + 1];
    expect(metrics.observations('bytes')).toEqual(Array.from({ length: ofLevel + ofStalled + ofSlow }, () => SOFT));
  });

  it('closes those who stalled together a few in a turn, each once, whatever happens between', () => {
    const { write, clock, make, unanswered, closed, turns, endTurn } = setUp();
    const backlogs = Array.from({ length: 100 }, make);
    for (const backlog of backlogs) write(SOFT, backlog);
    clock.advance(STALL_MS + 1_500);
    const atOnce = closed.length;
    expect(atOnce).toBeGreaterThan(0);
    expect(atOnce).toBeLessThan(50);
    clock.advance(1_000);
    expect([closed.length, turns.length]).toEqual([atOnce, 1]);
    backlogs[99]?.close();
    endTurn();
    expect(closed.length).toBe(2 * atOnce);
    while (turns.length > 0) endTurn();
    expect([closed.length, unanswered.open]).toEqual([99, 0]);
    clock.advance(60_000);
    expect([closed.length, turns.length]).toEqual([99, 0]);
  });

  it('closes nobody for being late when told so', () => {
    const { write, clock, backlog, closed } = setUp({ stallMs: 0 });
    write(SOFT);
    clock.advance(3_600_000);
    expect([backlog.congested, closed]).toEqual([true, []]);
  });

  it('lets those who wait go on when it is no longer congested, or closed', async () => {
    const { write, backlog, answer, settled, wait } = setUp();
    void wait('at once');
    await turn();
    write(SOFT + 1);
    write(SOFT - 1);
    void wait('a');
    void wait('b');
    await turn();
    expect(settled).toEqual(['at once']);
    answer();
    await turn();
    expect(settled).toEqual(['at once', 'a', 'b']);
    write(2);
    void wait('c');
    backlog.close();
    await turn();
    expect(settled).toEqual(['at once', 'a', 'b', 'c']);
  });

  it('relieves whoever reads on, whatever was written and answered in whatever order', () => {
    const step = fc.oneof(
      fc.record({ wrote: fc.nat(SOFT / 4) }),
      fc.record({ ms: fc.nat(2_000) }),
      fc.constant('answer' as const),
      fc.constant('foreign answer' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { write, clock, backlog, asked, closed, answer } = setUp({ stallMs: 0 });
        let unread = 0;
        for (const each of steps) {
          if (each === 'answer') answer();
          else if (each === 'foreign answer') expect(backlog.confirmed(-1)).toBe(false);
          else if ('ms' in each) clock.advance(each.ms);
          else if (closed.length === 0) {
            write(each.wrote);
            unread += each.wrote;
          }
        }
        expect(backlog.unconfirmed).toBeLessThanOrEqual(unread);
        if (closed.length > 0) return;
        for (let i = 0; i < 3; i++) answer();
        expect([backlog.congested, backlog.unconfirmed <= SOFT / 2]).toEqual([false, true]);
        expect(asked.length).toBeLessThanOrEqual(steps.length + 3);
      }),
    );
  });
});
