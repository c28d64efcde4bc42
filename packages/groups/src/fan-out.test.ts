import type { Delivery, Position } from '@im/protocol';
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FanOut, type FanOutOptions } from './fan-out.js';
import { FakeEncoding, FakeViewer } from './testing/index.js';

const FRAME_MS = 1000 / 12;
const BODY = new Uint8Array(10);
const START: Position = { epoch: 'e1', version: 0 };

/** A fan-out whose turns end when the test says so. */
function setUp(options: Partial<FanOutOptions> = {}) {
  const clock = new FakeClock();
  const metrics = new RecordingMetrics();
  const turns: (() => void)[] = [];
  const fanOut = new FanOut<FakeViewer>({ clock, metrics, afterTurn: (run) => turns.push(run), ...options });
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
  let scene: ReturnType<typeof setUp>;
  beforeEach(() => {
    scene = setUp();
  });
  afterEach(() => scene.fanOut.close());

  it('[PR-82] a held membership is written what follows its position, each version once', () => {
    const { fanOut, endTurn } = scene;
    const viewer = new FakeViewer();
    const membership = fanOut.join(viewer, 'r:1');
    for (const version of [4, 5, 6]) fanOut.publish(priority(version));
    endTurn();
    expect(viewer.chunks).toHaveLength(0);
    expect(membership.release({ epoch: 'e1', version: 5 })).toBe(true);
    fanOut.publish(priority(7));
    endTurn();
    expect(events(viewer)).toEqual(['e1/6', 'e1/7']);
  });

  it('[PR-66] after leave nothing is written, and what was published before is', () => {
    const { fanOut, clock, enter, endTurn } = scene;
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
});
