import { describe, expect, it } from 'vitest';
import { events, FRAME_MS, normal, priority, START, setUp } from './fan-out.fixture.js';
import { FakeEncoding, FakeViewer } from './testing/index.js';

describe('membership', () => {
  it('[PR-82] a held membership is written what follows its position, each version once', () => {
    const { fanOut, endTurn } = setUp();
    const viewer = new FakeViewer();
    const membership = fanOut.join(viewer, 'r:1');
    for (const version of [4, 5, 6]) fanOut.publish(priority(version));
    endTurn();
    expect(viewer.chunks).toHaveLength(0);
    expect(membership.phase).toBe('held');
    expect(membership.release({ epoch: 'e1', version: 5 })).toBe(true);
    expect(membership.phase).toBe('live');
    fanOut.publish(priority(7));
    endTurn();
    expect(events(viewer)).toEqual(['e1/6', 'e1/7']);
  });

  it('[PR-82] drops what arrives below a position that was ahead of the bus', () => {
    const { fanOut, enter, endTurn } = setUp();
    const viewer = enter('r:1', { epoch: 'e1', version: 8 });
    for (const version of [7, 8]) fanOut.publish(priority(version));
    endTurn();
    for (const version of [8, 9]) fanOut.publish(priority(version));
    endTurn();
    expect(events(viewer)).toEqual(['e1/9']);
  });

  it('hides nothing from a held membership when a message comes again, late', () => {
    const { fanOut, endTurn } = setUp();
    const viewer = new FakeViewer();
    const membership = fanOut.join(viewer, 'r:1');
    for (const version of [5, 6, 5]) fanOut.publish(priority(version));
    endTurn();
    membership.release({ epoch: 'e1', version: 5 });
    expect(events(viewer)).toEqual(['e1/6']);
  });

  it('drops held messages of the epoch that ended before the position', () => {
    const { fanOut, endTurn } = setUp();
    const viewer = new FakeViewer();
    const membership = fanOut.join(viewer, 'r:1');
    for (const delivery of [priority(6), priority(1, 'e2'), priority(2, 'e2')]) fanOut.publish(delivery);
    endTurn();
    membership.release({ epoch: 'e2', version: 0 });
    expect(viewer.written).toMatchObject([{ type: 'pushes' }]);
    expect(events(viewer)).toEqual(['e2/1', 'e2/2']);
  });

  it('[PR-102] writes what is held of an epoch that the position does not know, after a reset', () => {
    const { fanOut, endTurn } = setUp();
    const viewer = new FakeViewer();
    const membership = fanOut.join(viewer, 'r:1');
    fanOut.publish(priority(1, 'e2'));
    endTurn();
    membership.release({ epoch: 'e1', version: 6 });
    expect(viewer.written).toMatchObject([
      {
        ...{ type: 'reset', group: 'r:1', epoch: 'e2', version: 0 },
        ...{ recovered: false, missed: { epoch: 'e1', after: 6 } },
      },
      { type: 'pushes' },
    ]);
  });

  it('[PR-102] tells all members of a new epoch with shared bytes, before its first message', () => {
    const { fanOut, enter, endTurn, encoding } = setUp();
    const viewers = [enter(), enter(), enter()];
    fanOut.publish(priority(1));
    fanOut.publish(priority(1, 'e2'));
    endTurn();
    for (const viewer of viewers) {
      expect(viewer.written.map(({ type }) => type)).toEqual(['pushes', 'reset', 'pushes']);
      expect(viewer.written[1]).toMatchObject({ epoch: 'e2', version: 0, missed: { epoch: 'e1', after: 1 } });
    }
    expect(encoding.encoded).toBe(3);
  });

  it('tells each member which versions nobody has any more, before what follows them', () => {
    const { fanOut, enter, endTurn } = setUp();
    const early = enter();
    for (const version of [1, 2]) fanOut.publish(priority(version));
    endTurn();
    const late = new FakeViewer();
    fanOut.join(late, 'r:1').release({ epoch: 'e1', version: 5 });
    for (const version of [6, 7, 9]) fanOut.publish(priority(version));
    endTurn();
    const reset = { type: 'reset', group: 'r:1', epoch: 'e1', recovered: false };
    expect(early.written).toMatchObject([
      { type: 'pushes' },
      { ...reset, version: 5, missed: { after: 2, upto: 5 } },
      { type: 'pushes' },
      { ...reset, version: 8, missed: { after: 7, upto: 8 } },
      { type: 'pushes' },
    ]);
    expect(late.written).toMatchObject([{ type: 'pushes' }, { ...reset, version: 8 }, { type: 'pushes' }]);
    expect(events(late)).toEqual(['e1/6', 'e1/7', 'e1/9']);
  });

  it('[PR-136] writes a member nothing up to a version that is not for it, though the log begins anew, and tells it so', () => {
    const { fanOut, encoding, endTurn } = setUp();
    const [late, early] = [new FakeViewer(encoding), new FakeViewer(encoding)];
    fanOut.join(late, 'r:1', 4).release({ epoch: 'e1', version: 4 });
    fanOut.join(early, 'r:1').release({ epoch: 'e1', version: 4 });
    for (const version of [1, 2]) fanOut.publish(priority(version, 'e2'));
    endTurn();
    for (const version of [3, 4, 5]) fanOut.publish(priority(version, 'e2'));
    endTurn();
    fanOut.publish(priority(6, 'e2'));
    endTurn();
    expect(events(early)).toEqual(['e2/1', 'e2/2', 'e2/3', 'e2/4', 'e2/5', 'e2/6']);
    expect(events(late)).toEqual(['e2/5', 'e2/6']);
    const reset = { type: 'reset', group: 'r:1', epoch: 'e2', recovered: false };
    expect(late.written).toMatchObject([
      { ...reset, version: 2, missed: { epoch: 'e1', after: 4 } },
      { ...reset, version: 4, missed: { after: 2, upto: 4 } },
      { type: 'pushes' },
      { type: 'pushes' },
    ]);
    expect(early.written[0]).toMatchObject({ ...reset, version: 0, missed: { epoch: 'e1', after: 4 } });
  });

  it('stays held when more came than is kept, and begins from a newer position', () => {
    const { fanOut, endTurn, metrics } = setUp({ maxHeld: 2 });
    const viewer = new FakeViewer();
    const membership = fanOut.join(viewer, 'r:1');
    for (const version of [1, 2, 3]) fanOut.publish(priority(version));
    endTurn();
    expect(membership.release(START)).toBe(false);
    expect(membership.phase).toBe('held');
    expect(viewer.chunks).toHaveLength(0);
    fanOut.publish(priority(4));
    endTurn();
    expect(membership.release({ epoch: 'e1', version: 3 })).toBe(true);
    expect(events(viewer)).toEqual(['e1/4']);
    expect(metrics.value('im_groups_held_overflows_total')).toBe(1);
  });

  it('gives those who joined at different times the same bytes where they may share them', () => {
    const { fanOut, clock, enter, encoding } = setUp();
    const early = [enter(), enter()];
    fanOut.publish(normal('a'));
    fanOut.publish(normal('b'));
    const late = [enter(), enter()];
    fanOut.publish(normal('c'));
    const latest = [enter()];
    clock.advance(FRAME_MS);
    expect([...early, ...late, ...latest].map(events)).toEqual([['a', 'b', 'c'], ['a', 'b', 'c'], ['c'], ['c'], []]);
    expect(encoding.encoded).toBe(2);
  });

  it('encodes once for each kind of viewer', () => {
    const { fanOut, clock, enter } = setUp();
    const other = new FakeEncoding();
    const viewers = [enter(), new FakeViewer(other), enter(), new FakeViewer(other)];
    for (const viewer of viewers) fanOut.join(viewer, 'r:1').release(START);
    fanOut.publish(normal('a'));
    clock.advance(FRAME_MS);
    expect(viewers.map(events)).toEqual([['a'], ['a'], ['a'], ['a']]);
    expect(other.encoded).toBe(1);
  });

  it('[PR-62] normal messages published before the release are not the viewer’s', () => {
    const { fanOut, clock } = setUp();
    const viewer = new FakeViewer();
    const membership = fanOut.join(viewer, 'r:1');
    fanOut.publish(normal('a'));
    clock.advance(FRAME_MS);
    fanOut.publish(normal('b'));
    membership.release(START);
    fanOut.publish(normal('c'));
    clock.advance(2 * FRAME_MS);
    expect(events(viewer)).toEqual(['c']);
  });

  it('[PR-66] after leave nothing is written, and what was published before is', () => {
    const { fanOut, clock, enter, endTurn } = setUp();
    const viewer = enter();
    fanOut.publish(normal('a'));
    fanOut.publish(priority(1));
    expect(fanOut.leave(viewer, 'r:1')).toBe(true);
    expect(fanOut.leave(viewer, 'r:1')).toBe(false);
    fanOut.publish(normal('b'));
    fanOut.publish(priority(2));
    endTurn();
    clock.advance(FRAME_MS);
    expect(events(viewer)).toEqual(['e1/1', 'a']);
  });

  it('joining again gives the membership there is; an ended one cannot be released', () => {
    const { fanOut } = setUp();
    const viewer = new FakeViewer();
    const membership = fanOut.join(viewer, 'r:1');
    expect(fanOut.join(viewer, 'r:1')).toBe(membership);
    expect(fanOut.size('r:1')).toBe(1);
    fanOut.leaveAll(viewer);
    expect(membership.phase).toBe('ended');
    expect(membership.release(START)).toBe(false);
  });

  it('knows both directions, and tells when a group gets its first and loses its last member', () => {
    const calls: string[] = [];
    const { fanOut, enter } = setUp({
      onFirstMember: (group) => calls.push(`first ${group}`),
      onLastMember: (group) => calls.push(`last ${group}`),
    });
    const ann = enter('r:1');
    const bob = enter('r:1');
    fanOut.join(ann, 'r:2');
    expect(fanOut.groupsOf(ann)).toEqual(['r:1', 'r:2']);
    expect(fanOut.viewersOf('r:1')).toEqual([ann, bob]);
    expect([fanOut.has(ann, 'r:2'), fanOut.has(bob, 'r:2'), fanOut.has(bob, 'r:3')]).toEqual([true, false, false]);
    fanOut.leave(ann, 'r:1');
    fanOut.leaveAll(ann);
    expect(fanOut.viewersOf('r:1')).toEqual([bob]);
    fanOut.leave(bob, 'r:1');
    expect(calls).toEqual(['first r:1', 'first r:2', 'last r:2', 'last r:1']);
  });
});

describe('what is left', () => {
  it('is nothing after all have left, whatever waited', () => {
    const { fanOut, clock, enter, endTurn, metrics } = setUp();
    const viewers = Array.from({ length: 50 }, (_, i) => enter(`r:${i % 3}`));
    for (const [i, viewer] of viewers.entries()) {
      fanOut.join(viewer, 'r:held');
      viewer.congested = i % 2 === 0;
    }
    for (const group of ['r:0', 'r:1', 'r:2', 'r:held']) {
      fanOut.publish(normal('a', group));
      clock.advance(FRAME_MS);
      fanOut.publish(normal('b', group));
      fanOut.publish(priority(1, 'e1', group));
    }
    endTurn();
    for (const viewer of viewers) fanOut.leaveAll(viewer);
    for (const figure of ['members', 'groups', 'waiting_bytes', 'owing']) {
      expect(metrics.value(`im_groups_${figure}`)).toBe(0);
    }
    for (const viewer of viewers) expect(fanOut.groupsOf(viewer)).toEqual([]);
    clock.advance(FRAME_MS);
    expect(clock.pendingTimers).toBe(0);
  });

  it('is nothing after close, which writes nothing and lets nobody in', () => {
    const { fanOut, clock, enter, endTurn, metrics } = setUp();
    const viewer = enter();
    fanOut.publish(normal('a'));
    fanOut.publish(priority(1));
    fanOut.close();
    endTurn();
    expect(clock.pendingTimers).toBe(0);
    expect(viewer.chunks).toHaveLength(0);
    expect(metrics.value('im_groups_waiting_bytes')).toBe(0);
    fanOut.publish(normal('b'));
    expect(() => fanOut.join(viewer, 'r:1')).toThrow(expect.objectContaining({ name: 'CLOSED' }));
  });
});

describe('wrong use', () => {
  it('is refused: priority without version, impossible frame rates', () => {
    const { fanOut, enter } = setUp();
    enter();
    const { version: _, ...unversioned } = priority(1);
    expect(() => fanOut.publish(unversioned)).toThrow(expect.objectContaining({ name: 'INVALID_ARGUMENT' }));
    for (const framesPerSecond of [-1, 1_001, Number.NaN]) {
      expect(() => setUp({ framesPerSecond })).toThrow(expect.objectContaining({ name: 'INVALID_ARGUMENT' }));
    }
  });
});
