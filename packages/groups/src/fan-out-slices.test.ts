import type { Delivery } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import { events, FRAME_MS, normal, priority, START, setUp } from './fan-out.fixture.js';
import type { FanOutOptions } from './fan-out-options.js';
import { FakeEncoding, FakeViewer } from './testing/index.js';

describe('slices of a frame', () => {
  /** A fan-out in which each write takes a millisecond. */
  function slow(viewers: number, group = 'r:1', options: Partial<FanOutOptions> = {}) {
    const setting = setUp(options);
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

  it('what comes while a frame is written goes with it to those who have not got it yet, in one chunk made once', () => {
    const { clock, fanOut, endTurn, turns, viewers, encoding } = slow(40);
    fanOut.publish(normal('a'));
    clock.advance(0);
    const before = reached(viewers);
    fanOut.publish(normal('b'));
    while (turns.length > 0) endTurn();
    expect(before).toBeGreaterThan(0);
    expect(viewers.filter((viewer) => events(viewer).join() === 'a')).toHaveLength(before);
    expect(viewers.filter((viewer) => events(viewer).join() === 'a,b')).toHaveLength(40 - before);
    expect([encoding.encoded, viewers.every(({ chunks }) => chunks.length === 1)]).toEqual([2, true]);
    fanOut.publish(normal('c'));
    clock.advance(FRAME_MS);
    while (turns.length > 0) endTurn();
    expect(new Set(viewers.map((viewer) => events(viewer).join()))).toEqual(new Set(['a,b,c']));
    expect(viewers.every(({ chunks }) => chunks.length === 2)).toBe(true);
  });

  it('what comes while a frame is written waits for the next one where both are more than there is room for', () => {
    const { clock, fanOut, endTurn, turns, viewers } = slow(40, 'r:1', { messagesPerFrame: 2 });
    for (const event of ['a', 'b']) fanOut.publish(normal(event));
    clock.advance(0);
    fanOut.publish(normal('c'));
    while (turns.length > 0) endTurn();
    expect(new Set(viewers.map((viewer) => events(viewer).join()))).toEqual(new Set(['a,b']));
    clock.advance(FRAME_MS);
    while (turns.length > 0) endTurn();
    expect(new Set(viewers.map((viewer) => events(viewer).join()))).toEqual(new Set(['a,b,c']));
  });

  it('what writing to a viewer needs is fetched shortly before, for several at a time, on both lanes', () => {
    const { clock, fanOut, endTurn, turns, enter } = setUp();
    const done: string[] = [];
    for (let n = 0; n < 64; n += 1) {
      const viewer = enter();
      viewer.onWrite = () => void done.push(`w${n}`);
      viewer.prefetch = () => done.push(`f${n}`);
    }
    for (const publish of [() => fanOut.publish(normal('a')), () => fanOut.publish(priority(1))]) {
      publish();
      clock.advance(FRAME_MS);
      while (turns.length > 0) endTurn();
      const numbers = (begin: number) => Array.from({ length: 16 }, (_, n) => begin + n);
      const expected = [48, 32, 16, 0].flatMap((begin) => [
        ...numbers(begin).map((n) => `f${n}`),
        ...numbers(begin)
          .map((n) => `w${n}`)
          .reverse(),
      ]);
      expect(done.splice(0)).toEqual(expected);
    }
  });

  const like = (id: string, amount: number): Delivery => ({
    ...normal('like'),
    ...{ id, terms: { conflate: { mode: 'sum', key: 'k', amount } } },
  });
  const total = ({ deliveries }: FakeViewer) =>
    deliveries.reduce((sum, { terms }) => sum + (terms?.conflate?.mode === 'sum' ? terms.conflate.amount : 0), 0);
  const totals = (viewers: readonly FakeViewer[]) => new Set(viewers.map(total));

  it('a sum that some were written while a frame was, and that is then shed, is not added again but for what came later', () => {
    const { clock, fanOut, endTurn, turns, viewers } = slow(40, 'r:1', { messagesPerFrame: 4 });
    fanOut.publish(normal('a'));
    clock.advance(0);
    fanOut.publish(like('m1', 5));
    while (turns.length > 0) endTurn();
    const [some, others] = [true, false].map((is) =>
      viewers.filter((viewer) => events(viewer).includes('like') === is),
    ) as [FakeViewer[], FakeViewer[]];
    expect([some.length > 0, others.length > 0]).toEqual([true, true]);
    fanOut.publish(like('m2', 7));
    for (let n = 0; n < 4; n += 1) fanOut.publish({ ...normal('host'), terms: { reserved: true } });
    clock.advance(FRAME_MS);
    while (turns.length > 0) endTurn();
    fanOut.publish(like('m1', 5));
    fanOut.publish(like('m2', 7));
    clock.advance(FRAME_MS);
    while (turns.length > 0) endTurn();
    expect([totals(some), totals(others)]).toEqual([new Set([5 + 7]), new Set([7])]);
    const told = (one: FakeViewer) => one.sheds.map(({ count }) => count);
    expect([some.map(told), others.map(told)]).toEqual([some.map(() => [1]), others.map(() => [2])]);
  });

  it('a sum that would have gone with a frame to viewers who are all congested is added again once it was shed', () => {
    const { clock, fanOut, endTurn, turns, viewers } = slow(40, 'r:1', { messagesPerFrame: 4 });
    fanOut.publish(normal('a'));
    clock.advance(0);
    for (const viewer of viewers) viewer.congested = true;
    fanOut.publish(like('m1', 5));
    while (turns.length > 0) endTurn();
    for (const viewer of viewers) viewer.congested = false;
    for (let n = 0; n < 4; n += 1) fanOut.publish({ ...normal('host'), terms: { reserved: true } });
    clock.advance(FRAME_MS);
    while (turns.length > 0) endTurn();
    fanOut.publish(like('m1', 5));
    clock.advance(FRAME_MS);
    while (turns.length > 0) endTurn();
    expect(totals(viewers)).toEqual(new Set([5]));
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
