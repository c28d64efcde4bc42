import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { HeartbeatAnswers, type Owed } from './heartbeat-answers.js';
import { TimerWheel } from './timer-wheel.js';

const TICK = 100;

function setUp() {
  const clock = new FakeClock();
  const turns: (() => void)[] = [];
  const answers = new HeartbeatAnswers({ wheel: new TimerWheel(clock, TICK), nextTurn: (run) => turns.push(run) });
  const answered: string[] = [];
  const connection = (name: string, then?: () => void): Owed => ({
    answerPing() {
      answered.push(name);
      then?.();
    },
  });
  const nextTurn = (): void => {
    for (const run of turns.splice(0)) run();
  };
  return { clock, answers, answered, connection, nextTurn };
}

describe('HeartbeatAnswers', () => {
  it('answers all who have asked together, within two ticks, each once', () => {
    const { clock, answers, answered, connection } = setUp();
    const [ann, bob] = [connection('ann'), connection('bob')];
    answers.owe(ann);
    clock.advance(TICK - 1);
    answers.owe(bob);
    answers.owe(ann);
    expect(answered).toEqual([]);
    clock.advance(TICK + 1);
    expect(answered).toEqual(['ann', 'bob']);
    clock.advance(10 * TICK);
    expect(answered).toEqual(['ann', 'bob']);
  });

  it('answers who asks again after the answer again, and who asks while it answers', () => {
    const { clock, answers, answered, connection } = setUp();
    const late = connection('late');
    const early = connection('early', () => answers.owe(late));
    for (let i = 0; i < 2; i++) {
      answers.owe(early);
      clock.advance(4 * TICK);
    }
    expect(answered).toEqual(['early', 'late', 'early', 'late']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('answers so many in a turn, the others in the next ones, in the order in which they asked', () => {
    const { clock, answers, answered, connection, nextTurn } = setUp();
    const names = Array.from({ length: 300 }, (_, index) => `viewer-${index}`);
    for (const name of names) answers.owe(connection(name));
    clock.advance(12 * TICK);
    expect(answered).toHaveLength(128);
    nextTurn();
    expect(answered).toHaveLength(256);
    nextTurn();
    expect(answered).toEqual(names);
  });

  it('owes nothing to a connection that is closed, and waits for nothing when nobody is left', () => {
    const { clock, answers, answered, connection } = setUp();
    const [ann, bob] = [connection('ann'), connection('bob')];
    answers.owe(ann);
    answers.owe(bob);
    answers.forget(ann);
    clock.advance(2 * TICK);
    expect(answered).toEqual(['bob']);
    answers.owe(ann);
    answers.forget(ann);
    expect(clock.pendingTimers).toBe(0);
  });

  it('answers once who asks after those who waited for the next turn have all gone', () => {
    const { clock, answers, answered, connection, nextTurn } = setUp();
    const crowd = Array.from({ length: 300 }, () => connection('crowd'));
    for (const each of crowd) answers.owe(each);
    clock.advance(2 * TICK);
    for (const each of crowd) answers.forget(each);
    answers.owe(connection('ann'));
    nextTurn();
    clock.advance(10 * TICK);
    nextTurn();
    expect(answered.filter((name) => name === 'ann')).toHaveLength(1);
    expect(clock.pendingTimers).toBe(0);
  });
});
