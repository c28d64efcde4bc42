import type { Delivery, Terms } from '@im/protocol';
import { FakeClock, RecordingMetrics, seededRandom } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { admit, type Candidate } from './admission.js';
import { FanOut } from './fan-out.js';
import type { FanOutOptions } from './fan-out-options.js';
import { frameRoom } from './group-room.js';
import { FakeEncoding, FakeViewer } from './testing/index.js';

const FRAME_MS = 1000 / 12;

const of = (sender: string | undefined, more: Partial<Terms> & { size?: number } = {}): Candidate => ({
  body: new Uint8Array(more.size ?? 10),
  terms: { sender, reserved: more.reserved },
});
const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, i) => make(i));

/** Which of them go. */
function chosen<T extends Candidate>(waiting: readonly T[], room = frameRoom(10, 1e9), random = seededRandom(1)): T[] {
  const goes = admit(waiting, room, random);
  return waiting.filter((_, index) => goes[index] === 1);
}
const countBy = (all: readonly Candidate[]) =>
  all.reduce((counts, { terms }) => counts.set(terms?.sender, (counts.get(terms?.sender) ?? 0) + 1), new Map());

describe('where more waits than there is room for', () => {
  it('each sender gets one in turn, however many it sent', () => {
    const waiting = [...times(5_000, () => of('flood')), of('ann'), of('bob'), of('bob'), of('bob')];
    expect(countBy(chosen(waiting))).toEqual(
      new Map([
        ['flood', 6],
        ['ann', 1],
        ['bob', 3],
      ]),
    );
  });

  it('all senders have the same chances where there are too many, wherever theirs stand', () => {
    const waiting = [...times(10, () => of('flood')), ...times(19, (i) => of(`${i}`))];
    const counts = new Map<string | undefined, number>();
    const random = seededRandom(2);
    for (let frame = 0; frame < 2_000; frame += 1) {
      const all = chosen(waiting, frameRoom(10, 1e9), random);
      expect(all).toHaveLength(10);
      for (const [sender, count] of countBy(all)) counts.set(sender, (counts.get(sender) ?? 0) + count);
    }
    expect(counts.size).toBe(20);
    for (const count of counts.values()) expect(Math.abs(count - 1_000)).toBeLessThan(150);
  });

  it('which of its messages a sender gets is drawn too', () => {
    const waiting = times(100, () => of('ann'));
    const random = seededRandom(3);
    const halves = times(200, () => chosen(waiting, frameRoom(2, 1e9), random)).flat();
    const first = halves.filter((one) => waiting.indexOf(one) < 50).length;
    expect(first).toBeGreaterThan(150);
    expect(first).toBeLessThan(250);
  });

  it('without a sender each message is its own', () => {
    const counts = countBy(chosen([...times(50, () => of('ann')), ...times(9, () => of(undefined))]));
    expect(counts).toEqual(
      new Map([
        ['ann', 1],
        [undefined, 9],
      ]),
    );
  });

  it('reserved ones go first, and may take all of it, in turns as well', () => {
    const hosts = [...times(8, () => of('host', { reserved: true })), of('friend', { reserved: true })];
    const others = times(100, (i) => of(`${i}`));
    expect(countBy(chosen([...others, ...hosts])).get('host')).toBe(8);
    expect(chosen([...others, ...hosts])).toHaveLength(10);
    expect(countBy(chosen([...others, ...hosts], frameRoom(4, 1e9)))).toEqual(
      new Map([
        ['host', 3],
        ['friend', 1],
      ]),
    );
  });

  it('what goes is within the bytes, but for one that is larger by itself', () => {
    const room = frameRoom(10, 1_000);
    const bytes = chosen(
      times(10, (i) => of(`${i}`, { size: 100 })),
      room,
    );
    expect(bytes).toHaveLength(3);
    expect(chosen([of('ann', { size: 5_000 }), of('bob', { size: 5_000 })], room)).toHaveLength(1);
  });
});

function setUp(options: Partial<FanOutOptions> = {}) {
  const clock = new FakeClock();
  const metrics = new RecordingMetrics();
  const turns: (() => void)[] = [];
  const fanOut = new FanOut<FakeViewer>({
    ...{ clock, metrics, random: seededRandom(7), afterTurn: (run) => void turns.push(run) },
    ...options,
  });
  const encoding = new FakeEncoding();
  const enter = (group = 'r:1') => {
    const viewer = new FakeViewer(encoding);
    fanOut.join(viewer, group).release({ epoch: 'e1', version: 0 });
    return viewer;
  };
  let said = 0;
  const say = (sender?: string, terms: Terms = {}, group = 'r:1') => {
    said += 1;
    const all = { ...terms, ...(sender !== undefined && { sender }) };
    fanOut.publish({
      group,
      lane: 'normal',
      event: terms.conflate ? 'like' : `${said}`,
      body: new Uint8Array(10),
      time: 0,
      terms: all,
    });
  };
  const frame = () => clock.advance(FRAME_MS);
  const endTurn = () => {
    for (const run of turns.splice(0)) run();
  };
  return { clock, metrics, fanOut, encoding, enter, say, frame, endTurn, turns };
}
const senders = (viewer: FakeViewer) => viewer.deliveries.map(({ terms }) => terms?.sender);
const told = (viewer: FakeViewer) => viewer.sheds.reduce((sum, { count = Number.NaN }) => sum + count, 0);
const numbers = (viewer: FakeViewer) => viewer.deliveries.map(({ event }: Delivery) => Number(event));

describe('a frame', () => {
  it('[PR-85] sends what there is room for, in order, and tells how many more there were', () => {
    const { enter, say, frame, metrics } = setUp({ messagesPerFrame: 5 });
    const viewer = enter();
    for (let i = 0; i < 30; i += 1) say('flood');
    say('ann');
    frame();
    expect(senders(viewer).filter((sender) => sender === 'ann')).toHaveLength(1);
    expect(viewer.deliveries).toHaveLength(5);
    expect(numbers(viewer)).toEqual([...numbers(viewer)].sort((a, b) => a - b));
    expect(viewer.sheds).toEqual([{ group: 'r:1', count: 26, reason: 'budget' }]);
    expect(metrics.value('im_groups_limited_frames_total')).toBe(1);
    say('ann');
    frame();
    expect(viewer.deliveries).toHaveLength(6);
    expect(metrics.value('im_groups_limited_frames_total')).toBe(1);
  });

  it('counts messages of one key once, and drops them together', () => {
    const { enter, say, frame } = setUp({ messagesPerFrame: 2 });
    const viewer = enter();
    for (let i = 0; i < 100; i += 1) say(`${i}`, { conflate: { mode: 'sum', key: 'a', amount: 1 } });
    say('ann');
    frame();
    expect(viewer.deliveries.map(({ conflated }) => conflated)).toEqual([99, undefined]);
    for (let i = 0; i < 100; i += 1) say('bob', { conflate: { mode: 'sum', key: `${i % 5}`, amount: 1 } });
    say('ann', { reserved: true });
    frame();
    expect(viewer.sheds).toEqual([{ group: 'r:1', count: 80, reason: 'budget' }]);
  });

  it('goes first where one of those that are conflated is reserved', () => {
    const { enter, say, frame } = setUp({ messagesPerFrame: 1 });
    const viewer = enter();
    say('ann', { conflate: { mode: 'latest', key: 'a' }, reserved: true });
    say('bob', { conflate: { mode: 'latest', key: 'a' } });
    for (let i = 0; i < 50; i += 1) say(`${i}`);
    frame();
    expect(senders(viewer)).toEqual(['bob']);
  });

  it('tells each membership what was dropped of its own time', () => {
    const { enter, say, frame, fanOut } = setUp({ messagesPerFrame: 4 });
    const viewers: FakeViewer[] = [];
    for (let i = 0; i < 10; i += 1) {
      viewers.push(enter());
      say(`${i}`);
      say('flood', { conflate: { mode: 'sum', key: `${i % 3}`, amount: 1 } });
      if (i === 6) fanOut.leave(viewers[5] as FakeViewer, 'r:1');
    }
    frame();
    for (const [i, viewer] of viewers.entries()) {
      const published = i === 5 ? 4 : 2 * (10 - i);
      const conflated = viewer.deliveries.reduce((sum, delivery) => sum + (delivery.conflated ?? 0), 0);
      expect(viewer.deliveries.length + conflated + told(viewer)).toBe(published);
      expect(viewer.deliveries.length).toBeLessThanOrEqual(4);
    }
  });

  it('without terms and with room for all is sent as it waited: the messages themselves, once for all', () => {
    const { fanOut, frame, encoding, enter } = setUp();
    const viewers = [enter(), enter(), enter()];
    const messages = times(
      50,
      (i): Delivery => ({
        ...{ group: 'r:1', lane: 'normal', event: `${i}`, body: new Uint8Array(1), time: 0 },
      }),
    );
    for (const message of messages) fanOut.publish(message);
    frame();
    for (const viewer of viewers) for (const [i, sent] of viewer.deliveries.entries()) expect(sent).toBe(messages[i]);
    expect(encoding.encoded).toBe(1);
  });

  it('is no larger for who leaves before it', () => {
    const { enter, say, fanOut } = setUp({ messagesPerFrame: 4 });
    const viewer = enter();
    for (let i = 0; i < 9; i += 1) say(`${i}`);
    fanOut.leave(viewer, 'r:1');
    expect([viewer.deliveries.length, told(viewer)]).toEqual([4, 5]);
  });

  it('has room by kind of group', () => {
    const { enter, say, frame } = setUp({ messagesPerFrame: 4, messagesPerFrameByKind: { g: 2 } });
    const viewers = ['r:1', 'g:1', 'p1/g:1'].map((group) => enter(group));
    for (const group of ['r:1', 'g:1', 'p1/g:1']) for (let i = 0; i < 9; i += 1) say(undefined, {}, group);
    frame();
    expect(viewers.map(({ deliveries }) => deliveries.length)).toEqual([4, 2, 2]);
  });

  it('has room for at least one message', () => {
    expect(() => setUp({ messagesPerFrame: 0 })).toThrow(expect.objectContaining({ name: 'INVALID_ARGUMENT' }));
    expect(() => setUp({ messagesPerFrameByKind: { r: Number.NaN } })).toThrow(
      expect.objectContaining({ name: 'INVALID_ARGUMENT' }),
    );
  });
});

describe('a flood before the frame', () => {
  it('does not push out what others said, before it or after it, and what waits is bounded', () => {
    const { enter, say, frame, metrics } = setUp({ maxWaiting: 100, messagesPerFrame: 20 });
    const viewer = enter();
    say('ann');
    for (let i = 0; i < 5_000; i += 1) {
      say('flood');
      expect(metrics.value('im_groups_waiting_bytes')).toBeLessThanOrEqual(134 * 210);
    }
    say('bob');
    say('host', { reserved: true });
    for (let i = 0; i < 5_000; i += 1) say('flood');
    frame();
    expect(viewer.deliveries).toHaveLength(20);
    expect(senders(viewer).filter((sender) => sender !== 'flood')).toEqual(['ann', 'bob', 'host']);
    expect(told(viewer)).toBe(10_003 - 20);
  });

  it('of one key needs no room', () => {
    const { enter, say, frame, metrics } = setUp({ maxWaiting: 10 });
    const viewer = enter();
    for (let i = 0; i < 10_000; i += 1) say(`${i}`, { conflate: { mode: 'sum', key: 'a', amount: 1 } });
    expect(metrics.value('im_groups_waiting_bytes')).toBe(210);
    frame();
    expect(viewer.deliveries[0]?.terms?.conflate).toEqual({ mode: 'sum', key: 'a', amount: 10_000 });
    expect(viewer.sheds).toEqual([]);
  });
});

describe('a group whose frames are not written in time', () => {
  it('has less room in the next ones, reserved messages aside, and the others do not', () => {
    const { enter, say, frame, clock, endTurn, turns, metrics } = setUp({ messagesPerFrame: 100, sliceMs: 0 });
    const viewers = Array.from({ length: 40 }, () => enter());
    const other = enter('r:2');
    const finish = () => {
      while (turns.length > 0) endTurn();
    };
    const sayMany = (terms: Terms, group?: string) => {
      for (let i = 0; i < 150; i += 1) say(undefined, terms, group);
    };
    sayMany({});
    clock.advance(0);
    sayMany({});
    for (let due = 0; due < 4; due += 1) frame();
    expect(metrics.value('im_groups_overdue_frames_total')).toBe(4);
    finish();
    expect(viewers[0]?.deliveries).toHaveLength(100);
    frame();
    finish();
    const room = metrics.value('im_groups_least_room_ratio');
    expect(room).toBeLessThan(0.7);
    const expected = 100 + Math.round(100 * room);
    expect(viewers.map(({ deliveries }) => deliveries.length)).toEqual(viewers.map(() => expected));
    for (let due = 0; due < 30; due += 1) {
      say();
      frame();
    }
    finish();
    expect(metrics.value('im_groups_least_room_ratio')).toBeLessThan(0.1);
    for (const viewer of viewers) viewer.chunks.length = 0;
    sayMany({ reserved: true });
    sayMany({}, 'r:2');
    frame();
    finish();
    expect(viewers[0]?.deliveries.filter(({ terms }) => terms?.reserved)).toHaveLength(25);
    expect(other.deliveries).toHaveLength(100);
  });

  it.each([
    ['when they take more than six tenths of their time', 12],
    ['when they take as long and are as many as turns', 0],
  ])('has less room too %s', (_, framesPerSecond) => {
    const carried = (msPerWrite: number): number => {
      const { enter, say, frame, endTurn, clock } = setUp({ messagesPerFrame: 100, sliceMs: 1_000, framesPerSecond });
      const viewers = Array.from({ length: 100 }, () => enter());
      for (const viewer of viewers) viewer.onWrite = () => clock.advance(msPerWrite);
      for (let due = 0; due < 6; due += 1) {
        for (let i = 0; i < 100; i += 1) say();
        endTurn();
        frame();
      }
      return viewers[0]?.deliveries.length ?? 0;
    };
    expect(carried(0.48)).toBe(600);
    expect(carried(0.52)).toBeLessThan(500);
  });
});
