import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { type Asked, HeartbeatAnswers } from './heartbeat-answers.js';
import { TimerWheel } from './timer-wheel.js';

const TICK = 100;

function setUp() {
  const clock = new FakeClock();
  const turns: (() => void)[] = [];
  const answers = new HeartbeatAnswers({ wheel: new TimerWheel(clock, TICK), nextTurn: (run) => turns.push(run) });
  const answered: number[] = [];
  const connections = (count: number, then?: () => void): Asked[] =>
    Array.from({ length: count }, (_, index) => ({
      answerPing() {
        answered.push(index);
        then?.();
      },
    }));
  const nextTurn = (): void => {
    for (const run of turns.splice(0)) run();
  };
  return { clock, answers, answered, connections, nextTurn };
}

describe('HeartbeatAnswers', () => {
  it('answers all who have asked together, within two ticks, each once', () => {
    const { clock, answers, answered, connections } = setUp();
    const [one, other] = connections(2) as [Asked, Asked];
    answers.owe(one);
    clock.advance(TICK - 1);
    answers.owe(other);
    answers.owe(one);
    expect(answered).toEqual([]);
    clock.advance(TICK + 1);
    expect(answered).toEqual([0, 1]);
    clock.advance(10 * TICK);
    expect(answered).toEqual([0, 1]);
  });

  it('answers who asks again after the answer again, and who asks while it answers', () => {
    const { clock, answers, answered, connections } = setUp();
    const [late] = connections(1) as [Asked];
    const [early] = connections(1, () => answers.owe(late)) as [Asked];
    answers.owe(early);
    clock.advance(2 * TICK);
    answers.owe(early);
    clock.advance(4 * TICK);
    expect(answered).toEqual([0, 0, 0, 0]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('answers so many in a turn, the others in the next ones, in the order in which they asked', () => {
    const { clock, answers, answered, connections, nextTurn } = setUp();
    for (const each of connections(300)) answers.owe(each);
    clock.advance(2 * TICK);
    expect(answered).toHaveLength(128);
    clock.advance(10 * TICK);
    expect(answered).toHaveLength(128);
    nextTurn();
    expect(answered).toHaveLength(256);
    nextTurn();
    expect(answered).toEqual(Array.from({ length: 300 }, (_, index) => index));
  });

  it('owes nothing to a connection that is closed, and waits for nothing when nobody is left', () => {
    const { clock, answers, answered, connections } = setUp();
    const [one, other] = connections(2) as [Asked, Asked];
    answers.owe(one);
    answers.owe(other);
    answers.forget(one);
    clock.advance(2 * TICK);
    expect(answered).toEqual([1]);
    answers.owe(one);
    answers.forget(one);
    expect(clock.pendingTimers).toBe(0);
  });
});
