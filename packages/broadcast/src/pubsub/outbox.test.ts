import type { Delivery, Position, Publication } from '@im/protocol';
import { noMetrics } from '@im/protocol/ports';
import { beforeEach, describe, expect, it } from 'vitest';
import { readPubSubMessage } from '../wire/delivery-codec.js';
import { FakeLink } from './fixtures/fake-link.js';
import { Outbox } from './outbox.js';
import { PubSubFigures } from './pubsub-figures.js';

const text = new TextEncoder();
const message = (lane: Publication['lane'], body: string): Publication => ({
  lane,
  event: 'chat',
  body: text.encode(body),
  time: 1,
});

/** What a pub/sub message says: `first-lost: bodies` or `version: body`, `head version`. */
function said(bytes: Buffer): string {
  const parts: string[] = [];
  readPubSubMessage(bytes, 'r:1', {
    onRun: ({ first, lost }) => void parts.push(`${first}-${lost}:`),
    onDelivery: ({ version, body }: Delivery) =>
      void parts.push(`${version === undefined ? '' : `${version}: `}${new TextDecoder().decode(body)}`),
    onHead: ({ version }: Position) => void parts.push(`head ${version}`),
  });
  return parts.join(' ');
}

describe('Outbox', () => {
  let deferred: (() => void)[];
  let outbox: Outbox;
  let link: FakeLink;

  const turn = () => {
    for (const run of deferred.splice(0)) run();
  };
  const idle = () => new Promise(setImmediate);
  const normal = (group: string, body: string) => outbox.normal(group, message('normal', body), false);
  const priority = (group: string, body: string, version: number) =>
    outbox.priority(group, message('priority', body), { epoch: 'e', version });
  /** Of one batch: `channel → what it says`. */
  const batch = (from: FakeLink, place: number) =>
    from.sent[place]?.messages.map(({ channel, bytes }) => `${channel} → ${said(bytes)}`);
  const answer = async (from: FakeLink, place: number, refused = new Map<number, Error>()) => {
    from.sent[place]?.resolve(refused);
    await idle();
  };

  beforeEach(() => {
    deferred = [];
    link = new FakeLink();
    outbox = new Outbox({
      sender: 7,
      channelOf: (topic) => topic,
      defer: (run) => deferred.push(run),
      figures: new PubSubFigures(noMetrics),
      maxNormalMessages: 3,
      maxNormalBytes: 1_000,
    });
    outbox.up(link);
    turn();
  });

  it('sends what a turn brought as one batch, one pack a channel, the priority lane first', async () => {
    normal('r:1', 'a');
    normal('r:2', 'b');
    normal('r:1', 'c');
    priority('r:1', 'gift', 5);
    turn();
    expect(batch(link, 0)).toEqual(['r:1.n → 5: gift', 'r:1._ → 0-0: a c', 'r:2._ → 0-0: b']);
  });

  it('collects what comes while eight packs of the channel are under way, and lets other channels go', async () => {
    for (let pack = 0; pack < 8; pack += 1) {
      normal('r:1', `${pack}`);
      turn();
    }
    normal('r:1', 'b');
    normal('r:1', 'c');
    normal('r:2', 'x');
    turn();
    expect(batch(link, 8)).toEqual(['r:2._ → 0-0: x']);
    await answer(link, 0);
    turn();
    expect(batch(link, 9)).toEqual(['r:1._ → 8-0: b c']);
  });

  it('drops what there is no room for, and lets the numbers say so, although nothing follows', async () => {
    for (const body of ['a', 'b', 'c']) expect(normal('r:1', body)).toBeDefined();
    for (const body of ['d', 'e']) expect(normal('r:1', body)).toBeUndefined();
    expect(outbox.normalMessages).toBe(3);
    turn();
    expect(batch(link, 0)).toEqual(['r:1._ → 0-0: a b c', 'r:1._ → 5-2:']);
    await answer(link, 0);
    normal('r:1', 'f');
    turn();
    expect(batch(link, 1)).toEqual(['r:1._ → 5-0: f']);
    expect(outbox.normalMessages).toBe(0);
  });

  it('refuses whoever asks for an answer, instead of dropping: nothing was taken, nothing is told', async () => {
    for (const body of ['a', 'b', 'c']) normal('r:1', body);
    const answered = () => outbox.normal('r:1', message('normal', 'd'), true);
    expect(answered).toThrow(expect.objectContaining({ name: 'QUEUE_FULL', retryable: true }));
    turn();
    expect(batch(link, 0)).toEqual(['r:1._ → 0-0: a b c']);
    outbox.down();
    expect(answered).toThrow(expect.objectContaining({ name: 'UNAVAILABLE', retryable: true }));
  });

  it('says of several packs under way, lost one after the other, all that may be missing', async () => {
    normal('r:1', 'a');
    priority('r:1', 'gift', 5);
    turn();
    normal('r:1', 'b');
    priority('r:1', 'ring', 6);
    turn();
    normal('r:1', 'c');
    for (const { reject } of link.sent) reject(new Error('lost'));
    await idle();
    outbox.down();
    const next = new FakeLink();
    outbox.up(next);
    turn();
    expect(batch(next, 0)?.sort()).toEqual(['r:1._ → 3-3:', 'r:1.n → head 6']);
  });

  it('answers all that wait when the link is lost, and says on the next what may be missing', async () => {
    const [sent, waiting, gift] = [normal('r:1', 'a'), normal('r:2', 'b'), priority('r:1', 'gift', 5)];
    turn();
    const queued = normal('r:1', 'c');
    const second = priority('r:1', 'ring', 6);
    outbox.down();
    link.sent[0]?.reject(new Error('lost'));
    await idle();
    for (const taken of [sent, waiting, queued])
      await expect(taken?.promise).rejects.toMatchObject({ name: 'DISCONNECTED' });
    // The log has these.
    await Promise.all([gift.promise, second.promise]);
    expect(normal('r:1', 'd')).toBeUndefined();
    await priority('r:3', 'rocket', 9).promise;
    const next = new FakeLink();
    outbox.up(next);
    turn();
    expect(batch(next, 0)?.sort()).toEqual(['r:1._ → 3-3:', 'r:1.n → head 6', 'r:2._ → 1-1:', 'r:3.n → head 9']);
  });

  it('answers for what the server refuses, once, and goes on', async () => {
    const taken = normal('r:1', 'a');
    const gift = priority('r:1', 'gift', 5);
    turn();
    const refusal = new Error('NOPERM');
    await answer(
      link,
      0,
      new Map([
        [0, refusal],
        [1, refusal],
      ]),
    );
    await expect(taken?.promise).rejects.toMatchObject({ name: 'UNAVAILABLE', cause: refusal });
    await gift.promise;
    turn();
    expect(link.sent).toHaveLength(1);
    normal('r:1', 'b');
    turn();
    expect(batch(link, 1)).toEqual(['r:1._ → 1-0: b']);
  });

  it('remembers the numbers of 100,000 groups, and forgets silent ones for more', async () => {
    const publish = (group: string) => {
      expect(normal(group, 'x')).toBeDefined();
      turn();
      for (const { resolve } of link.sent.splice(0)) resolve(new Map());
    };
    for (let group = 0; group < 103_000; group += 1) {
      publish(`r:${group}`);
      if (group % 1_000 === 0) await idle();
    }
    await idle();
    normal('r:102999', 'y');
    normal('r:0', 'y');
    turn();
    expect(batch(link, 0)).toEqual(['r:102999._ → 1-0: y', 'r:0._ → 0-0: y']);
  });

  it('tells the newest head of a group after its messages', async () => {
    priority('r:1', 'gift', 5);
    outbox.head('r:1', { epoch: 'e', version: 5 });
    outbox.head('r:1', { epoch: 'e', version: 6 });
    turn();
    expect(batch(link, 0)).toEqual(['r:1.n → 5: gift head 6']);
  });

  it('keeps no more than a window under way', async () => {
    outbox = new Outbox({
      sender: 7,
      channelOf: (topic) => topic,
      defer: (run) => deferred.push(run),
      figures: new PubSubFigures(noMetrics),
      maxNormalMessages: 10_000,
      maxNormalBytes: 100_000_000,
    });
    outbox.up(link);
    for (let group = 0; group < 5_000; group += 1) normal(`r:${group}`, 'x');
    turn();
    const begun = link.sent[0]?.messages.length ?? 0;
    expect(begun).toBeGreaterThan(100);
    expect(begun).toBeLessThan(5_000);
    let drained = false;
    void outbox.drained().then(() => {
      drained = true;
    });
    for (let next = 0; next < link.sent.length; next += 1) {
      expect(drained).toBe(false);
      await answer(link, next);
      turn();
    }
    await idle();
    expect(drained).toBe(true);
    expect(link.sent.flatMap(({ messages }) => messages)).toHaveLength(5_000);
  });
});
