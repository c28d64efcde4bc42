import { describe, expect, it } from 'vitest';
import { events, FRAME_MS, normal, priority, setUp } from './fan-out.fixture.js';

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
