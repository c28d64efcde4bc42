import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { Pace } from './pace.js';

function setUp() {
  const clock = new FakeClock();
  const turns: (() => void)[] = [];
  const pace = new Pace(clock, (run) => turns.push(run));
  const ran: number[] = [];
  return {
    ...{ pace, clock, turns, ran },
    wait: (name: number) => pace.next(() => ran.push(name)),
    nextTurn: () => {
      for (const run of turns.splice(0)) run();
    },
  };
}

describe('Pace', () => {
  it('gives those who wait the next turn, in their order, and asks for none while nobody waits', () => {
    const { ran, turns, wait, nextTurn } = setUp();
    wait(1);
    wait(2);
    expect(ran).toEqual([]);
    nextTurn();
    expect([ran, turns]).toEqual([[1, 2], []]);
  });

  it('has them give way while each turn brings a connection, but not for long', () => {
    const { pace, clock, ran, wait, nextTurn } = setUp();
    wait(1);
    for (let turn = 0; turn < 3; turn += 1) {
      pace.arrived();
      nextTurn();
      clock.advance(4);
    }
    expect(ran).toEqual([]);
    wait(2);
    pace.arrived();
    nextTurn();
    expect(ran).toEqual([1, 2]);
    wait(3);
    pace.arrived();
    nextTurn();
    expect(ran, 'and again').toEqual([1, 2]);
  });

  it('gives them the first turn that brings no connection', () => {
    const { pace, ran, turns, wait, nextTurn } = setUp();
    wait(1);
    pace.arrived();
    nextTurn();
    nextTurn();
    expect([ran, turns]).toEqual([[1], []]);
  });

  it('does not count the time in which nobody waited', () => {
    const { pace, clock, ran, wait, nextTurn } = setUp();
    pace.arrived();
    nextTurn();
    clock.advance(1_000);
    wait(1);
    pace.arrived();
    nextTurn();
    expect(ran).toEqual([]);
  });
});
