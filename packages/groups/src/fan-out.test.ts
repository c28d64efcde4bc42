import type { Delivery, Position } from '@im/protocol';
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { FanOut } from './fan-out.js';
import type { FanOutOptions } from './fan-out-options.js';
import { FakeEncoding, FakeViewer } from './testing/index.js';

const FRAME_MS = 1000 / 12;
const BODY = new Uint8Array(10);
const START: Position = { epoch: 'e1', version: 0 };

/** A fan-out whose turns end when the test says so. */
function setUp(options: Partial<FanOutOptions> = {}) {
  const clock = new FakeClock();
  const metrics = new RecordingMetrics();
  const turns: (() => void)[] = [];
  const afterTurn = (run: () => void) => void turns.push(run);
  const fanOut = new FanOut<FakeViewer>({ clock, metrics, afterTurn, random: () => 0, ...options });
  const encoding = new FakeEncoding();
  const endTurn = () => {
    for (const run of turns.splice(0)) run();
  };
  const enter = (group = 'r:1', position = START) => {
    const viewer = new FakeViewer(encoding);
    fanOut.join(viewer, group).release(position);
    return viewer;
  };
  return { clock, metrics, turns, fanOut, encoding, endTurn, enter };
}

const normal = (event: string, group = 'r:1'): Delivery => ({ group, lane: 'normal', event, body: BODY, time: 0 });
const priority = (version: number, epoch = 'e1', group = 'r:1'): Delivery => ({
  group,
  lane: 'priority',
  event: `${epoch}/${version}`,
  body: BODY,
  time: 0,
  epoch,
  version,
});
const events = (viewer: FakeViewer) => viewer.deliveries.map(({ event }) => event);

describe('lanes', () => {
  it('writes normal messages with the next frame, one chunk for all members', () => {
    const { clock, fanOut, encoding, enter } = setUp();
    const viewers = [enter(), enter(), enter()];
    fanOut.publish(normal('a'));
    clock.advance(0);
    fanOut.publish(normal('b'));
    fanOut.publish(normal('c'));
    clock.advance(FRAME_MS - 1);
    expect(viewers.map(events)).toEqual([['a'], ['a'], ['a']]);
    clock.advance(1);
    expect(viewers.map(events)).toEqual([
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
      ['a', 'b', 'c'],
    ]);
    expect(encoding.encoded).toBe(2);
    expect(new Set(viewers.map(({ chunks }) => chunks[1])).size).toBe(1);
  });

  it('writes priority messages at the end of the turn, those of one turn in one chunk', () => {
    const { fanOut, enter, endTurn, turns } = setUp();
    const viewer = enter();
    fanOut.publish(priority(1));
    fanOut.publish(priority(2));
    expect(viewer.chunks).toHaveLength(0);
    expect(turns).toHaveLength(1);
    endTurn();
    expect(events(viewer)).toEqual(['e1/1', 'e1/2']);
    expect(viewer.chunks).toHaveLength(1);
  });

  it('[PR-84] writes priority messages that wait before normal ones that wait, in frames and without', () => {
    for (const framesPerSecond of [12, 0]) {
      const { clock, fanOut, enter, endTurn } = setUp({ framesPerSecond });
      const viewer = enter();
      fanOut.publish(normal('chat'));
      fanOut.publish(priority(1));
      if (framesPerSecond === 0) endTurn();
      else clock.advance(FRAME_MS);
      expect(events(viewer)).toEqual(['e1/1', 'chat']);
    }
  });

  it('keeps no timer while nothing waits', () => {
    const { clock, fanOut, enter, endTurn } = setUp();
    enter();
    fanOut.publish(priority(1));
    endTurn();
    expect(clock.pendingTimers).toBe(0);
    fanOut.publish(normal('a'));
    fanOut.publish(normal('b', 'r:2'));
    expect(clock.pendingTimers).toBe(1);
    clock.advance(FRAME_MS);
    expect(clock.pendingTimers).toBe(0);
  });
});

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

describe('figures', () => {
  it('count deliveries by lane and what each frame took', () => {
    const { fanOut, clock, enter, endTurn, metrics } = setUp();
    enter();
    enter();
    fanOut.publish(normal('a'));
    fanOut.publish(normal('b'));
    fanOut.publish(priority(1));
    endTurn();
    clock.advance(FRAME_MS);
    expect(metrics.value('im_groups_deliveries_total', { lane: 'normal' })).toBe(4);
    expect(metrics.value('im_groups_deliveries_total', { lane: 'priority' })).toBe(2);
    expect(metrics.observations('im_groups_frame_seconds')).toHaveLength(1);
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

describe('slices of a frame', () => {
  /** A fan-out in which each write takes a millisecond. */
  function slow(viewers: number, group = 'r:1') {
    const setting = setUp();
    const enter = (): FakeViewer => {
      const viewer = setting.enter(group);
      viewer.onWrite = () => setting.clock.advance(1);
      return viewer;
    };
    return { ...setting, enter, viewers: Array.from({ length: viewers }, enter) };
  }
  const reached = (viewers: readonly FakeViewer[]) => viewers.filter(({ chunks }) => chunks.length > 0).length;

  it('a large group is written over several turns, between which others have theirs', () => {
    const { clock, fanOut, endTurn, turns, viewers } = slow(200);
    fanOut.publish(normal('a'));
    clock.advance(0);
    expect(reached(viewers)).toBeLessThan(100);
    expect(turns).toHaveLength(1);
    for (let turn = 0; turns.length > 0; turn += 1) {
      expect(turn).toBeLessThan(25);
      endTurn();
    }
    expect(viewers.every((viewer) => events(viewer).join() === 'a')).toBe(true);
  });

  it('priority messages that come meanwhile overtake what is not written yet', () => {
    const { clock, fanOut, endTurn, turns, viewers } = slow(200);
    fanOut.publish(normal('a'));
    clock.advance(0);
    fanOut.publish(priority(1));
    while (turns.length > 0) endTurn();
    const orders = viewers.map((viewer) => events(viewer).join());
    expect(new Set(orders)).toEqual(new Set(['a,e1/1', 'e1/1,a']));
  });

  it('a priority message to a large group is written over several turns too, normal ones wait for its end', () => {
    const { clock, fanOut, endTurn, turns, viewers } = slow(200);
    fanOut.publish(priority(1));
    endTurn();
    expect(reached(viewers)).toBeGreaterThan(0);
    expect(reached(viewers)).toBeLessThan(100);
    fanOut.publish(normal('a'));
    fanOut.publish(priority(2));
    clock.advance(FRAME_MS);
    for (let turn = 0; turns.length > 0; turn += 1) {
      expect(turn).toBeLessThan(75);
      endTurn();
    }
    expect(new Set(viewers.map((viewer) => events(viewer).join()))).toEqual(new Set(['e1/1,e1/2,a']));
  });

  it('a priority message that comes while another is written goes with it to those who have not got that yet', () => {
    const { fanOut, endTurn, turns, viewers } = slow(200);
    fanOut.publish(priority(1));
    endTurn();
    const before = reached(viewers);
    fanOut.publish(priority(2));
    while (turns.length > 0) endTurn();
    expect(new Set(viewers.map((viewer) => events(viewer).join()))).toEqual(new Set(['e1/1,e1/2']));
    expect(before).toBeGreaterThan(0);
    expect(viewers.filter(({ chunks }) => chunks.length === 2)).toHaveLength(before);
    expect(viewers.filter(({ chunks }) => chunks.length === 1)).toHaveLength(200 - before);
  });

  it('a room with more priority messages than can be written holds up neither those of others nor normal ones', () => {
    const { clock, fanOut, endTurn, turns, viewers } = slow(200);
    const other = new FakeViewer(new FakeEncoding());
    fanOut.join(other, 'r:2').release(START);
    let version = 0;
    const flood = (): void => fanOut.publish(priority(++version));
    flood();
    endTurn();
    fanOut.publish(priority(1, 'e1', 'r:2'));
    fanOut.publish(normal('a', 'r:2'));
    fanOut.publish(normal('b'));
    clock.advance(FRAME_MS);
    // Two passes of 200 milliseconds: another message comes while each of them is written.
    for (let turn = 0; turn < 60; turn += 1) {
      flood();
      endTurn();
    }
    expect(turns).toHaveLength(1);
    expect(events(other)).toEqual(['e1/1', 'a']);
    const some = viewers.filter((viewer) => events(viewer).includes('b'));
    expect(some.length).toBeGreaterThan(0);
    for (const viewer of viewers) {
      const gifts = events(viewer).filter((event) => event !== 'b');
      expect(gifts).toEqual(gifts.map((_, index) => `e1/${index + 1}`));
    }
    while (turns.length > 0) endTurn();
    expect(new Set(viewers.map(({ deliveries }) => deliveries.length))).toEqual(new Set([version + 1]));
  });

  it('who leaves, comes or is caught up while a priority message is written gets each once', () => {
    const { fanOut, endTurn, turns, viewers, enter, encoding } = slow(200);
    fanOut.publish(priority(1));
    endTurn();
    const waiting = viewers.filter(({ chunks }) => chunks.length === 0);
    const [leaving, last] = [waiting[0] as FakeViewer, waiting.at(-1) as FakeViewer];
    const held = new FakeViewer(encoding);
    const membership = fanOut.join(held, 'r:1');
    fanOut.publish(priority(2));
    fanOut.leave(leaving, 'r:1');
    expect(events(leaving)).toEqual(['e1/1', 'e1/2']);
    const late = enter();
    expect(membership.release({ epoch: 'e1', version: 1 })).toBe(true);
    fanOut.publish(priority(3));
    while (turns.length > 0) endTurn();
    expect(events(leaving)).toEqual(['e1/1', 'e1/2']);
    expect(events(held)).toEqual(['e1/2', 'e1/3']);
    expect(events(last)).toEqual(['e1/1', 'e1/2', 'e1/3']);
    expect(events(late).at(-1)).toBe('e1/3');
    expect(new Set(viewers.filter((each) => each !== leaving).map((viewer) => events(viewer).join()))).toEqual(
      new Set(['e1/1,e1/2,e1/3']),
    );
  });

  it('who leaves before its turn gets what was published while it was here, who comes gets nothing of it', () => {
    const { clock, fanOut, endTurn, turns, viewers, enter } = slow(200);
    fanOut.publish(normal('a'));
    clock.advance(0);
    const waiting = viewers.find(({ chunks }) => chunks.length === 0) as FakeViewer;
    fanOut.leave(waiting, 'r:1');
    const late = enter();
    expect(events(waiting)).toEqual(['a']);
    while (turns.length > 0) endTurn();
    expect(events(late)).toEqual([]);
    expect(events(waiting)).toEqual(['a']);
  });

  it('a small group does not wait for the end of a large one', () => {
    const { clock, fanOut, endTurn } = slow(2_000);
    const small = new FakeViewer(new FakeEncoding());
    fanOut.join(small, 'r:2').release(START);
    fanOut.publish(normal('a'));
    fanOut.publish(normal('b', 'r:2'));
    clock.advance(0);
    endTurn();
    expect(events(small)).toEqual(['b']);
  });

  it('the next frame of a group begins when all have the one before', () => {
    const { clock, fanOut, endTurn, turns, viewers } = slow(200);
    fanOut.publish(normal('a'));
    clock.advance(0);
    fanOut.publish(normal('b'));
    clock.advance(FRAME_MS);
    for (let left = 20; left > 0; left -= 1) {
      while (turns.length > 0) endTurn();
      clock.advance(FRAME_MS);
    }
    expect(new Set(viewers.map((viewer) => events(viewer).join()))).toEqual(new Set(['a,b']));
  });
});

describe('frames by kind of group', () => {
  it('are as many a second as the kind has, products apart, the usual number for others', () => {
    const { clock, fanOut, enter } = setUp({ framesPerSecond: 10, framesPerSecondByKind: { g: 20 } });
    const groups = ['r:1', 'g:1', 'p1/g:1'];
    const viewers = groups.map((group) => enter(group));
    for (const event of ['a', 'b']) {
      for (const group of groups) fanOut.publish(normal(event, group));
      clock.advance(0);
    }
    expect(viewers.map(events)).toEqual([['a'], ['a'], ['a']]);
    clock.advance(50);
    expect(viewers.map(events)).toEqual([['a'], ['a', 'b'], ['a', 'b']]);
    clock.advance(50);
    expect(events(viewers[0] as FakeViewer)).toEqual(['a', 'b']);
  });

  it('may be as many as turns for one kind only', () => {
    const { clock, fanOut, enter, endTurn } = setUp({ framesPerSecondByKind: { u: 0 } });
    const [room, user] = [enter('r:1'), enter('u:1')];
    fanOut.publish(normal('a', 'r:1'));
    fanOut.publish(normal('b', 'u:1'));
    endTurn();
    expect([events(room), events(user)]).toEqual([[], ['b']]);
    clock.advance(FRAME_MS);
    expect(events(room)).toEqual(['a']);
  });

  it('are refused when there are too many', () => {
    expect(() => setUp({ framesPerSecondByKind: { r: 1_001 } })).toThrow(
      expect.objectContaining({ name: 'INVALID_ARGUMENT' }),
    );
  });
});
