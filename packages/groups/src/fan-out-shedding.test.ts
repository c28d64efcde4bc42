import { describe, expect, it } from 'vitest';
import { events, FRAME_MS, normal, priority, START, setUp } from './fan-out.fixture.js';
import { FakeViewer } from './testing/index.js';

describe('shedding', () => {
  it('[PR-86] sends a congested viewer no normal messages and then tells how many, before newer ones', () => {
    const { fanOut, clock, enter, endTurn } = setUp();
    const slow = enter();
    const quick = enter();
    slow.congested = true;
    for (const event of ['a', 'b', 'c']) {
      fanOut.publish(normal(event));
      clock.advance(FRAME_MS);
    }
    fanOut.publish(priority(1));
    endTurn();
    expect(events(slow)).toEqual(['e1/1']);
    slow.congested = false;
    fanOut.publish(normal('d'));
    clock.advance(FRAME_MS);
    expect(slow.written.map(({ type }) => type)).toEqual(['pushes', 'shed', 'pushes']);
    expect(slow.sheds).toEqual([{ group: 'r:1', count: 3, reason: 'pressure' }]);
    expect(events(quick)).toEqual(['a', 'b', 'c', 'e1/1', 'd']);
  });

  it.each([12, 0])('tells what is owed although nothing more is published (%d frames a second)', (framesPerSecond) => {
    const { fanOut, clock, enter, endTurn } = setUp({ framesPerSecond });
    const viewer = enter();
    viewer.congested = true;
    fanOut.publish(normal('a'));
    endTurn();
    clock.advance(2_000);
    expect(viewer.chunks).toHaveLength(0);
    viewer.congested = false;
    clock.advance(FRAME_MS);
    expect(viewer.sheds).toEqual([{ group: 'r:1', count: 1, reason: 'pressure' }]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('tells a congested viewer that leaves what it was not sent', () => {
    const { fanOut, clock, enter } = setUp();
    const viewer = enter();
    viewer.congested = true;
    fanOut.publish(normal('a'));
    clock.advance(FRAME_MS);
    fanOut.publish(normal('b'));
    fanOut.leave(viewer, 'r:1');
    expect(viewer.sheds).toEqual([{ group: 'r:1', count: 2, reason: 'pressure' }]);
  });

  it('tells a viewer that leaves what it missed before it sends what still waits', () => {
    const { fanOut, clock, enter } = setUp();
    const viewer = enter();
    viewer.congested = true;
    fanOut.publish(normal('a'));
    clock.advance(FRAME_MS);
    viewer.congested = false;
    fanOut.publish(normal('b'));
    fanOut.leave(viewer, 'r:1');
    expect(viewer.written.map(({ type }) => type)).toEqual(['shed', 'pushes']);
  });

  it('[PR-85] drops normal messages beyond the bound of a group and tells all members, with shared bytes', () => {
    const { fanOut, clock, enter, encoding, metrics } = setUp({ maxWaiting: 2 });
    const viewers = [enter(), enter()];
    for (const event of ['a', 'b', 'c', 'd']) fanOut.publish(normal(event));
    const late = enter();
    fanOut.publish(normal('e'));
    clock.advance(FRAME_MS);
    for (const viewer of viewers) {
      expect(events(viewer)).toEqual(['a', 'e']);
      expect(viewer.sheds).toEqual([{ group: 'r:1', count: 3, reason: 'budget' }]);
    }
    expect(events(late)).toEqual(['e']);
    expect(encoding.encoded).toBe(3);
    expect(metrics.value('im_groups_shed_total', { reason: 'budget' })).toBe(6);
  });

  it.each([
    ['of one group', { maxWaitingBytes: 500 }],
    ['of all groups', { maxBytes: 500 }],
  ])('bounds the bytes %s', (_, bounds) => {
    const { fanOut, clock, enter, metrics } = setUp(bounds);
    const viewer = enter();
    for (const event of ['a', 'b', 'c', 'd']) fanOut.publish(normal(event));
    expect(metrics.value('im_groups_waiting_bytes')).toBeLessThanOrEqual(500);
    clock.advance(FRAME_MS);
    expect(events(viewer)).toHaveLength(2);
    expect(viewer.sheds).toEqual([{ group: 'r:1', count: 2, reason: 'budget' }]);
    expect(metrics.value('im_groups_waiting_bytes')).toBe(0);
  });

  it('forgets held messages rather than keep more bytes than it may', () => {
    const { fanOut, metrics, endTurn } = setUp({ maxBytes: 500 });
    const membership = fanOut.join(new FakeViewer(), 'r:1');
    for (const version of [1, 2, 3]) {
      fanOut.publish(priority(version));
      endTurn();
    }
    expect(metrics.value('im_groups_waiting_bytes')).toBeLessThanOrEqual(500);
    expect(membership.release(START)).toBe(false);
  });

  it('[PR-85] passes on what was lost on the way here, without a count when nobody knows it', () => {
    const { fanOut, clock, enter } = setUp();
    const viewer = enter();
    fanOut.lost('r:1', 4);
    fanOut.lost('r:1', 3);
    clock.advance(0);
    const late = enter();
    fanOut.lost('r:1', 1);
    fanOut.lost('r:1', undefined);
    fanOut.lost('r:2', 1);
    fanOut.lost('r:1', 0);
    clock.advance(FRAME_MS);
    expect(viewer.sheds).toEqual([
      { group: 'r:1', count: 7, reason: 'upstream' },
      { group: 'r:1', reason: 'upstream' },
    ]);
    expect(late.sheds).toEqual([{ group: 'r:1', reason: 'upstream' }]);
  });
});

describe('a viewer whose connection breaks while it is written to', () => {
  it.each(['normal', 'priority'] as const)(
    'leaves without anybody else missing or getting a message twice (%s lane)',
    (lane) => {
      for (let breaking = 0; breaking < 5; breaking += 1) {
        for (let neighbour = 0; neighbour < 5; neighbour += 1) {
          const { fanOut, clock, enter, endTurn } = setUp();
          const viewers = Array.from({ length: 5 }, () => enter());
          const [broken, other] = [viewers[breaking], viewers[neighbour]] as [FakeViewer, FakeViewer];
          broken.onWrite = () => {
            fanOut.leaveAll(broken);
            fanOut.leaveAll(other);
          };
          fanOut.publish(lane === 'normal' ? normal('a') : priority(1));
          endTurn();
          clock.advance(FRAME_MS);
          const others = viewers.filter((viewer) => viewer !== broken && viewer !== other);
          for (const viewer of others) expect(viewer.deliveries).toHaveLength(1);
          expect(broken.chunks).toHaveLength(1);
          expect(fanOut.size('r:1')).toBe(others.length);
        }
      }
    },
  );

  it('may be the one that is leaving', () => {
    const { fanOut, enter, metrics } = setUp();
    const viewer = enter();
    fanOut.join(viewer, 'r:2');
    viewer.onWrite = () => fanOut.leaveAll(viewer);
    fanOut.publish(normal('a'));
    fanOut.publish(priority(1));
    expect(fanOut.leave(viewer, 'r:1')).toBe(true);
    expect(viewer.chunks).toHaveLength(1);
    expect(metrics.value('im_groups_members')).toBe(0);
  });

  it('ends the group in the middle of its frame when it was the only one', () => {
    const { fanOut, clock, enter, metrics } = setUp();
    const viewer = enter();
    viewer.onWrite = () => fanOut.leaveAll(viewer);
    fanOut.publish(normal('a'));
    clock.advance(FRAME_MS);
    expect(metrics.value('im_groups_groups')).toBe(0);
    expect(metrics.value('im_groups_waiting_bytes')).toBe(0);
  });
});
