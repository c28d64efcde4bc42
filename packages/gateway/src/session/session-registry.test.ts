import { FakeClock } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import type { Session } from './session.js';
import { SessionRegistry } from './session-registry.js';
import type { SessionSnapshot } from './session-snapshot.js';

const session = (id: string, userGroup = 'u:ann'): Session => ({ id, userGroup }) as Session;
const snapshotOf = (id: string): SessionSnapshot => ({ session: id }) as SessionSnapshot;

function setUp(maxLost = 10) {
  const clock = new FakeClock();
  return { clock, sessions: new SessionRegistry({ clock, ttlMs: 1_000, maxLost }) };
}

describe('SessionRegistry', () => {
  it('knows the sessions that have a connection, by id and by user', () => {
    const { sessions } = setUp();
    const [one, two, other] = [session('1'), session('2'), session('3', 'u:bob')];
    for (const each of [one, two, other]) sessions.hold(each);
    expect(sessions.holding('2')).toBe(two);
    expect(sessions.ofUser('u:ann')).toEqual([one, two]);
    sessions.release(one, undefined);
    expect([sessions.ofUser('u:ann'), sessions.holding('1'), sessions.held, sessions.lost]).toEqual([
      [two],
      undefined,
      2,
      0,
    ]);
    sessions.release(two, undefined);
    expect(sessions.ofUser('u:ann')).toEqual([]);
  });

  it('keeps what a session leaves for the time to live, and gives it once [PR-104]', () => {
    const { clock, sessions } = setUp();
    for (const id of ['1', '2']) {
      sessions.hold(session(id));
      sessions.release(session(id), snapshotOf(id));
    }
    expect(sessions.take('1')).toEqual(snapshotOf('1'));
    expect(sessions.take('1')).toBeUndefined();
    clock.advance(999);
    expect(sessions.lost).toBe(1);
    clock.advance(1);
    expect([sessions.take('2'), sessions.lost, clock.pendingTimers]).toEqual([undefined, 0, 0]);
  });

  it('keeps a bounded number, the oldest goes first', () => {
    const { clock, sessions } = setUp(2);
    for (const id of ['1', '2', '3']) {
      sessions.release(session(id), snapshotOf(id));
      clock.advance(100);
    }
    expect(sessions.lost).toBe(2);
    expect(sessions.take('1')).toBeUndefined();
    clock.advance(850);
    expect(sessions.take('2')).toBeUndefined();
    expect(sessions.take('3')).toEqual(snapshotOf('3'));
    sessions.close();
    expect(clock.pendingTimers).toBe(0);
  });

  it('does not let go of a session that has moved to another connection', () => {
    const { sessions } = setUp();
    const [before, after] = [session('1'), session('1')];
    sessions.hold(before);
    sessions.hold(after);
    sessions.release(before, undefined);
    expect(sessions.holding('1')).toBe(after);
    expect(sessions.ofUser('u:ann')).toEqual([after]);
  });
});
