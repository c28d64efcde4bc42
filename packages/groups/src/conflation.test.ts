import type { Conflation, Delivery, Terms } from '@im/protocol';
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { FanOut } from './fan-out.js';
import type { FanOutOptions } from './fan-out-options.js';
import { FakeEncoding, FakeViewer } from './testing/index.js';

const FRAME_MS = 1000 / 12;

function setUp(options: Partial<FanOutOptions> = {}) {
  const clock = new FakeClock();
  const metrics = new RecordingMetrics();
  const fanOut = new FanOut<FakeViewer>({ clock, metrics, ...options });
  const encoding = new FakeEncoding();
  const enter = () => {
    const viewer = new FakeViewer(encoding);
    fanOut.join(viewer, 'r:1').release({ epoch: 'e1', version: 0 });
    return viewer;
  };
  let said = 0;
  const say = (event: string, conflate?: Conflation, more: Partial<Delivery> & { terms?: Terms } = {}) => {
    said += 1;
    const terms = { ...more.terms, ...(conflate && { conflate }) };
    fanOut.publish({ group: 'r:1', lane: 'normal', event, body: Uint8Array.of(said), time: said, ...more, terms });
  };
  const frame = () => clock.advance(FRAME_MS);
  return { clock, metrics, fanOut, encoding, enter, say, frame };
}

const sum = (key: string, amount = 1): Conflation => ({ mode: 'sum', key, amount });
const latest = (key: string): Conflation => ({ mode: 'latest', key });
/** As `like k=3 +2`: the event, the key and the sum, and how many more it stands for. */
const shown = (viewer: FakeViewer) => viewer.deliveries.map(show);
function show({ event, terms, conflated }: Delivery): string {
  const conflate = terms?.conflate;
  const key = conflate === undefined ? '' : ` ${conflate.key}${conflate.mode === 'sum' ? `=${conflate.amount}` : ''}`;
  return `${event}${key}${conflated === undefined ? '' : ` +${conflated}`}`;
}

describe('messages of one key that wait for a frame', () => {
  it('[PR-88] [PR-89] are one, with the body of the last and the total of all', () => {
    const { enter, say, frame } = setUp();
    const viewer = enter();
    for (let i = 0; i < 500; i += 1) say('like', sum('hearts', 2));
    frame();
    expect(shown(viewer)).toEqual(['like hearts=1000 +499']);
    expect(viewer.deliveries[0]).toMatchObject({ body: Uint8Array.of(500), time: 500 });
  });

  it('are one where the last of them came', () => {
    const { enter, say, frame } = setUp();
    const viewer = enter();
    say('like', sum('a'));
    say('chat1');
    say('price', latest('x'));
    say('like', sum('a'));
    say('chat2');
    say('price', latest('x'));
    say('chat3');
    frame();
    expect(shown(viewer)).toEqual(['chat1', 'like a=2 +1', 'chat2', 'price x +1', 'chat3']);
  });

  it('stay apart by event, key and mode, and by frame', () => {
    const { enter, say, frame } = setUp();
    const viewer = enter();
    say('like', sum('a'));
    say('like', sum('b'));
    say('love', sum('a'));
    say('like', latest('a'));
    frame();
    say('like', sum('a'));
    frame();
    expect(shown(viewer)).toEqual(['like a=1', 'like b=1', 'love a=1', 'like a', 'like a=1']);
  });

  it('are sent as they were published where there is only one', () => {
    const { fanOut, enter, frame } = setUp();
    const viewer = enter();
    const like: Delivery = {
      ...{ group: 'r:1', lane: 'normal', event: 'like', body: new Uint8Array(1), time: 0 },
      terms: { conflate: sum('a', 7) },
    };
    fanOut.publish(like);
    frame();
    expect(viewer.deliveries[0]).toBe(like);
  });

  it('begin anew where the total could be no safe integer', () => {
    const { enter, say, frame } = setUp();
    const viewer = enter();
    say('like', sum('a', Number.MAX_SAFE_INTEGER - 1));
    say('like', sum('a', 1));
    say('chat');
    say('like', sum('a', 1));
    say('like', sum('a', 1));
    frame();
    expect(shown(viewer)).toEqual([`like a=${Number.MAX_SAFE_INTEGER} +1`, 'chat', 'like a=2 +1']);
  });

  it('are counted: what viewers were not sent because another stands for it', () => {
    const { enter, say, frame, metrics } = setUp();
    enter();
    enter();
    for (let i = 0; i < 5; i += 1) say('like', sum('a'));
    frame();
    expect(metrics.value('im_groups_conflated_total')).toBe(8);
    expect(metrics.value('im_groups_deliveries_total', { lane: 'normal' })).toBe(2);
  });
});

describe('who comes or goes between messages of one key', () => {
  it('gets what was published while it was here, others get one message all the same', () => {
    const { enter, say, frame } = setUp();
    const early = enter();
    say('like', sum('a', 1));
    say('price', latest('x'));
    const late = enter();
    say('like', sum('a', 10));
    const later = enter();
    say('like', sum('a', 100));
    say('like', sum('b', 5));
    frame();
    expect(shown(early)).toEqual(['price x', 'like a=111 +2', 'like b=5']);
    expect(shown(late)).toEqual(['like a=110 +1', 'like b=5']);
    expect(shown(later)).toEqual(['like a=100', 'like b=5']);
  });

  it('is written what waits when it leaves', () => {
    const { enter, say, frame, fanOut } = setUp();
    const [ann, bob] = [enter(), enter()];
    say('like', sum('a'));
    say('like', sum('a'));
    fanOut.leave(ann, 'r:1');
    say('like', sum('a'));
    frame();
    expect(shown(ann)).toEqual(['like a=2 +1']);
    expect(shown(bob)).toEqual(['like a=3 +2']);
  });
});

describe('a sum message whose id was added before', () => {
  it('[PR-89] adds nothing, in the same frame or a later one, and counts all the same', () => {
    const { enter, say, frame, metrics } = setUp();
    const viewer = enter();
    say('like', sum('a', 3), { id: '1' });
    say('like', sum('a', 3), { id: '1' });
    say('like', sum('a', 4), { id: '2' });
    frame();
    say('like', sum('a', 4), { id: '2' });
    frame();
    expect(shown(viewer)).toEqual(['like a=7 +2', 'like a=0']);
    expect(metrics.value('im_groups_repeated_sums_total')).toBe(2);
  });

  it('counts again in another group, and where nobody is left who saw it', () => {
    const { enter, say, frame, fanOut } = setUp();
    const ann = enter();
    fanOut.join(ann, 'r:2').release({ epoch: 'e1', version: 0 });
    say('like', sum('a'), { id: '1' });
    say('like', sum('a'), { id: '1', group: 'r:2' });
    frame();
    expect(shown(ann)).toEqual(['like a=1', 'like a=1']);
    fanOut.leave(ann, 'r:1');
    const bob = enter();
    say('like', sum('a'), { id: '1' });
    frame();
    expect(shown(bob)).toEqual(['like a=1']);
  });

  it('adds again when what it was added to was shed, and then no more', () => {
    const { enter, say, frame, metrics } = setUp({ messagesPerFrame: 1 });
    const viewer = enter();
    say('host', undefined, { terms: { reserved: true } });
    for (let i = 0; i < 2; i += 1) say('like', sum('a', 5), { id: '1' });
    frame();
    expect([shown(viewer), viewer.sheds]).toEqual([['host'], [{ group: 'r:1', count: 2, reason: 'budget' }]]);
    for (let i = 0; i < 2; i += 1) {
      say('like', sum('a', 5), { id: '1' });
      frame();
    }
    say('host', undefined, { terms: { reserved: true } });
    say('like', sum('a', 5), { id: '1' });
    frame();
    say('like', sum('a', 5), { id: '1' });
    frame();
    expect(shown(viewer)).toEqual(['host', 'like a=5', 'like a=0', 'host', 'like a=0']);
    expect(metrics.value('im_groups_repeated_sums_total')).toBe(4);
    expect(metrics.value('im_groups_sum_ids')).toBe(1);
  });

  it('adds again when there was no room for it to wait', () => {
    const { enter, say, frame } = setUp({ maxBytes: 500 });
    const viewer = enter();
    for (let i = 0; i < 2; i += 1) say('chat');
    say('like', sum('a', 5), { id: '1' });
    frame();
    say('like', sum('a', 5), { id: '1' });
    frame();
    expect(shown(viewer)).toEqual(['chat', 'chat', 'like a=5']);
  });

  it('counts again when so many came since that its id is forgotten', () => {
    const { enter, say, frame, metrics } = setUp({ maxSumIds: 3 });
    const viewer = enter();
    for (const id of ['1', '2', '3', '4']) say('like', sum('a'), { id });
    say('like', sum('a'), { id: '2' });
    say('like', sum('a'), { id: '1' });
    frame();
    expect(shown(viewer)).toEqual(['like a=5 +5']);
    expect(metrics.value('im_groups_sum_ids')).toBe(3);
  });
});

describe('a congested viewer', () => {
  it('is written what was conflated, as one of each key, once it is relieved', () => {
    const { enter, say, frame, metrics } = setUp();
    const [slow, quick] = [enter(), enter()];
    slow.congested = true;
    for (let i = 0; i < 3; i += 1) {
      say('like', sum('a', 2));
      say('like', sum('a', 1));
      say('chat');
      say('price', latest('x'));
      frame();
    }
    expect(slow.chunks).toHaveLength(0);
    slow.congested = false;
    say('like', sum('a', 5));
    frame();
    expect(slow.written.map(({ type }) => type)).toEqual(['shed', 'pushes', 'pushes']);
    expect(slow.encoding.toOne).toBe(1);
    expect(slow.sheds).toEqual([{ group: 'r:1', count: 3, reason: 'pressure' }]);
    expect(shown(slow)).toEqual(['like a=9 +5', 'price x +2', 'like a=5']);
    expect(slow.deliveries[1]?.body).toEqual(Uint8Array.of(12));
    expect(quick.deliveries).toHaveLength(10);
    expect(metrics.value('im_groups_conflated_total')).toBe(3 + 7);
    expect(metrics.value('im_groups_shed_total', { reason: 'pressure' })).toBe(3);
    expect(metrics.value('im_groups_kept_bytes')).toBe(0);
  });

  it('has only so many keys kept; what is beyond is shed and told', () => {
    const { enter, say, frame } = setUp();
    const slow = enter();
    slow.congested = true;
    for (let key = 0; key < 40; key += 1) {
      say('like', sum(`${key}`));
      say('like', sum(`${key}`));
    }
    frame();
    say('like', sum('0'));
    say('like', sum('39'));
    frame();
    slow.congested = false;
    frame();
    expect(slow.deliveries).toHaveLength(32);
    expect(slow.sheds).toEqual([{ group: 'r:1', count: 17, reason: 'pressure' }]);
    expect(show(slow.deliveries.at(-1) as Delivery)).toBe('like 0=3 +2');
  });

  it('has two messages of a key kept where both are too much for one total', () => {
    const { enter, say, frame } = setUp();
    const slow = enter();
    slow.congested = true;
    for (const amount of [Number.MAX_SAFE_INTEGER, 3, 4]) {
      say('like', sum('a', amount));
      frame();
    }
    slow.congested = false;
    frame();
    expect(shown(slow)).toEqual([`like a=${Number.MAX_SAFE_INTEGER}`, 'like a=7 +1']);
  });

  it('keeps no more than a quarter of the bytes there are, so that others go on', () => {
    const { enter, say, frame, metrics } = setUp({ maxBytes: 2_000 });
    const [slow, quick] = [enter(), enter()];
    slow.congested = true;
    for (const key of ['a', 'b', 'c', 'd']) {
      say('like', sum(key));
      frame();
    }
    expect(metrics.value('im_groups_kept_bytes')).toBeLessThanOrEqual(500);
    slow.congested = false;
    frame();
    expect(shown(slow)).toEqual(['like a=1', 'like b=1']);
    expect(slow.sheds).toEqual([{ group: 'r:1', count: 2, reason: 'pressure' }]);
    expect(quick.deliveries).toHaveLength(4);
  });

  it('shares what is kept with those who missed the same', () => {
    const { enter, say, frame } = setUp();
    const slow = Array.from({ length: 3 }, enter);
    for (const viewer of slow) viewer.congested = true;
    for (let i = 0; i < 4; i += 1) {
      say('like', sum('a'));
      frame();
    }
    for (const viewer of slow) viewer.congested = false;
    frame();
    expect(new Set(slow.map(({ deliveries }) => deliveries[0])).size).toBe(1);
    expect(slow.map(shown)).toEqual([['like a=4 +3'], ['like a=4 +3'], ['like a=4 +3']]);
  });

  it('is written the same bytes as those who missed the same, made and kept once', () => {
    const { enter, say, frame, encoding, metrics } = setUp();
    const early = Array.from({ length: 3 }, enter);
    const late = enter();
    for (const viewer of early) viewer.congested = true;
    for (let i = 0; i < 2; i += 1) {
      say('like', sum('a'));
      say('chat');
      frame();
      late.congested = true;
    }
    expect(metrics.value('im_groups_kept_bytes')).toBe(2 * 201);
    for (const viewer of [...early, late]) viewer.congested = false;
    const { encoded } = encoding;
    frame();
    expect(early.map(shown)).toEqual(early.map(() => ['like a=2 +1']));
    expect(early.map(({ sheds }) => sheds[0]?.count)).toEqual([2, 2, 2]);
    expect(shown(late).slice(2)).toEqual(['like a=1']);
    for (const place of [0, 1]) expect(new Set(early.map(({ chunks }) => chunks[place])).size).toBe(1);
    expect([encoding.encoded - encoded, encoding.toOne]).toEqual([4, 1]);
    expect(metrics.value('im_groups_kept_bytes')).toBe(0);
  });

  it('takes nothing with it when it breaks or all ends', () => {
    const { enter, say, frame, fanOut, metrics } = setUp();
    const [ann, bob] = [enter(), enter()];
    ann.congested = true;
    bob.congested = true;
    say('like', sum('a'));
    frame();
    expect(metrics.value('im_groups_kept_bytes')).toBeGreaterThan(0);
    fanOut.leaveAll(ann);
    fanOut.close();
    expect(metrics.value('im_groups_kept_bytes')).toBe(0);
    expect(metrics.value('im_groups_waiting_bytes')).toBe(0);
  });
});
