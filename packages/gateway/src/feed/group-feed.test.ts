import type { Delivery, Position } from '@im/protocol';
import { FakeClock, RecordingMetrics } from '@im/protocol/testing';
import type { Head, LogReader, Page } from '@im/timeline';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNKNOWN_EPOCH } from './epochs.js';
import { GroupFeed } from './group-feed.js';
import { LogAccess } from './log-access.js';
import { OpeningIds } from './opening-ids.js';

const turn = (): Promise<void> => new Promise(setImmediate);
const body = new Uint8Array(0);

/** A log that is a list, which a test may grow, trim, replace, and make fail. */
class ListedLog implements LogReader {
  epoch = 'e1';
  version = 0;
  first = 1;
  continues: readonly Position[] | undefined;
  away = false;
  reads = 0;

  async head(): Promise<Head> {
    if (this.away) throw new Error('away');
    const { epoch, version, first, continues } = this;
    return { epoch, version, first, ...(continues && { continues }) };
  }

  async read(_group: string, range: { after?: number; limit: number }): Promise<Page> {
    this.reads++;
    const head = await this.head();
    const from = Math.max((range.after ?? 0) + 1, this.first);
    const length = Math.max(0, Math.min(range.limit, this.version - from + 1));
    const entries = Array.from({ length }, (_, i) => ({
      version: from + i,
      id: `m${from + i}`,
      event: 'x',
      body,
      time: 0,
    }));
    return { ...head, entries };
  }
}

function setUp(log = new ListedLog()) {
  const clock = new FakeClock();
  const published: string[] = [];
  const metrics = new RecordingMetrics();
  const counted = (): { pulled: number; lost: number } => ({
    pulled: metrics.value('pulled'),
    lost: metrics.value('lost'),
  });
  let settle: () => void = () => {};
  const feed = new GroupFeed('r:1', {
    log: new LogAccess(log, { clock, timeoutMs: 1_000, afterTurn: setImmediate }),
    clock,
    openingIds: new OpeningIds(),
    settled: () => new Promise((resolve) => (settle = resolve)),
    publish: ({ epoch, version, event }) => published.push(version === undefined ? event : `${epoch}/${version}`),
    pulled: metrics.counter('pulled', { help: '' }),
    lostVersions: metrics.counter('lost', { help: '' }),
  });
  const receive = (version: number, epoch = log.epoch, id?: string): void =>
    feed.receive({ group: 'r:1', lane: 'priority', event: 'x', body, time: 0, epoch, version, ...(id && { id }) });
  const opened = async (): Promise<void> => {
    settle();
    await feed.ready;
  };
  return { log, clock, feed, published, counted, receive, opened, settle: () => settle() };
}

describe('GroupFeed', () => {
  it('begins at the head of the log, read once the subscription is in force', async () => {
    const { feed, log, opened, published, receive } = setUp();
    log.version = 7;
    await turn();
    expect(feed.position).toEqual({ epoch: UNKNOWN_EPOCH, version: 0 });
    await opened();
    expect(feed.position).toEqual({ epoch: 'e1', version: 7 });
    receive(8);
    expect(published).toEqual(['e1/8']);
  });

  it('hands normal deliveries on as they come, also while it opens', async () => {
    const { feed, published, opened } = setUp();
    const chat: Delivery = { group: 'r:1', lane: 'normal', event: 'chat', body, time: 0 };
    feed.receive(chat);
    await opened();
    feed.receive(chat);
    expect(published).toEqual(['chat', 'chat']);
  });

  it('hands on what came while it opened, from the head on', async () => {
    const { log, opened, published, receive } = setUp();
    for (const version of [3, 4, 5]) receive(version);
    log.version = 4;
    await opened();
    expect(published).toEqual(['e1/5']);
    expect(log.reads).toBe(0);
  });

  it('drops duplicates', async () => {
    const { published, opened, receive } = setUp();
    await opened();
    for (const version of [1, 1, 2, 1, 2]) receive(version);
    expect(published).toEqual(['e1/1', 'e1/2']);
  });

  it('pulls a hole from the log once, and keeps order whatever comes meanwhile', async () => {
    const { log, feed, published, counted, opened, receive } = setUp();
    await opened();
    receive(1);
    log.version = 9;
    for (const version of [5, 7, 6, 9, 8]) receive(version);
    expect(published).toEqual(['e1/1']);
    await turn();
    expect(published).toEqual(Array.from({ length: 9 }, (_, i) => `e1/${i + 1}`));
    expect([log.reads, counted().pulled, counted().lost]).toEqual([1, 8, 0]);
    receive(10);
    expect(feed.position.version).toBe(10);
  });

  it('pulls the tail when somebody says that the log is further [PR-82]', async () => {
    const { log, feed, published, opened } = setUp();
    await opened();
    log.version = 300;
    feed.heard({ epoch: 'e1', version: 300 });
    feed.heard({ epoch: 'e1', version: 2 });
    await turn();
    expect(published).toHaveLength(300);
    expect(log.reads).toBe(2);
    feed.heard({ epoch: 'e1', version: 300 });
    await turn();
    expect(log.reads).toBe(2);
  });

  it('compares with the log when the bus was interrupted', async () => {
    const { log, feed, published, opened } = setUp();
    await opened();
    log.version = 3;
    await feed.compare();
    await turn();
    expect(published).toEqual(['e1/1', 'e1/2', 'e1/3']);
    log.away = true;
    await feed.compare();
  });

  it('goes on behind what was trimmed, and counts it as lost', async () => {
    const { log, published, counted, opened, receive } = setUp();
    await opened();
    log.version = 9;
    log.first = 7;
    receive(9);
    await turn();
    expect(published).toEqual(['e1/7', 'e1/8', 'e1/9']);
    expect(counted()).toEqual({ pulled: 3, lost: 6 });
  });

  it('tries again while the store is away, and gives a hole up after a while', async () => {
    const { log, clock, published, counted, opened, receive } = setUp();
    await opened();
    log.away = true;
    receive(4);
    for (let i = 0; i < 3; i++) {
      await turn();
      clock.advance(200);
    }
    receive(6);
    expect(published).toEqual([]);
    log.away = false;
    log.version = 6;
    clock.advance(2_000);
    await turn();
    expect(published).toEqual(['e1/1', 'e1/2', 'e1/3', 'e1/4', 'e1/5', 'e1/6']);
    log.away = true;
    receive(9);
    for (let i = 0; i < 8; i++) {
      await turn();
      clock.advance(800);
    }
    await turn();
    expect(published.slice(6)).toEqual(['e1/9']);
    expect(counted().lost).toBe(2);
    expect(clock.pendingTimers).toBe(0);
  });

  it('begins a new epoch with its first message at once, and still hands on what comes late of the old one, once [PR-102]', async () => {
    const { log, feed, published, opened, receive } = setUp();
    log.version = 5;
    await opened();
    receive(6, 'e1');
    receive(1, 'e2');
    receive(6, 'e1');
    feed.heard({ epoch: 'e1', version: 6 });
    receive(7, 'e1');
    receive(2, 'e2');
    await turn();
    expect(published).toEqual(['e1/6', 'e2/1', 'e1/7', 'e2/2']);
    expect(log.reads).toBe(0);
  });

  it('goes on where it was when the store is back under its old epoch', async () => {
    const { log, published, opened, receive } = setUp();
    log.version = 5;
    await opened();
    receive(6, 'e1');
    log.away = true;
    for (const version of [1, 2, 3]) receive(version, 'node-1-a');
    Object.assign(log, { away: false, version: 9 });
    receive(9, 'e1');
    await turn();
    receive(10, 'e1');
    expect(published).toEqual(['e1/6', 'node-1-a/1', 'node-1-a/2', 'node-1-a/3', 'e1/7', 'e1/8', 'e1/9', 'e1/10']);
  });

  it('hands on once what the store took when it went, and the node took again', async () => {
    const { log, feed, published, opened, receive } = setUp();
    log.version = 5;
    await opened();
    // Versions 6 and 7 were written, but nobody was told.
    for (const [index, id] of ['m6', 'm7', 'another'].entries()) receive(index + 1, 'node-1-a', id);
    log.version = 8;
    feed.heard({ epoch: 'e1', version: 8 });
    await turn();
    expect(published).toEqual(['node-1-a/1', 'node-1-a/2', 'node-1-a/3', 'e1/8']);
    expect(feed.position).toEqual({ epoch: 'e1', version: 8 });
  });

  it('stays where it is when somebody says that an epoch went on that its log does not have', async () => {
    const { log, clock, feed, published, opened, receive } = setUp();
    await opened();
    receive(1, 'e2');
    Object.assign(log, { epoch: 'e2', version: 1 });
    feed.heard({ epoch: 'e1', version: 99 });
    for (let i = 0; i < 8; i++) {
      await turn();
      clock.advance(800);
    }
    await turn();
    receive(2, 'e2');
    expect(published).toEqual(['e2/1', 'e2/2']);
    expect(clock.pendingTimers).toBe(0);
  });

  it('reads a new epoch from its beginning when its first message was missed [PR-102]', async () => {
    const { log, published, opened, receive } = setUp();
    log.version = 5;
    await opened();
    Object.assign(log, { epoch: 'e2', version: 4, first: 2 });
    receive(4, 'e2');
    await turn();
    expect(published).toEqual(['e2/2', 'e2/3', 'e2/4']);
  });

  it('shows nothing twice of a log that went on under a new epoch with what it held [PR-144]', async () => {
    const { log, opened, published, receive, counted } = setUp();
    log.version = 300;
    await opened();
    receive(301);
    Object.assign(log, { epoch: 'e2', version: 302, continues: [{ epoch: 'e1', version: 301 }] });
    receive(302);
    await turn();
    receive(303);
    expect(published).toEqual(['e1/301', 'e2/302', 'e2/303']);
    expect(counted().lost).toBe(0);
  });

  it('hands on what has the versions of something that such a log lost [PR-144]', async () => {
    const { log, feed, opened, published, receive } = setUp();
    log.version = 4;
    await opened();
    for (const version of [5, 6, 7]) receive(version);
    Object.assign(log, { epoch: 'e2', version: 6, continues: [{ epoch: 'e1', version: 5 }] });
    feed.heard({ epoch: 'e2', version: 6 });
    await turn();
    expect(published).toEqual(['e1/5', 'e1/6', 'e1/7', 'e2/6']);
  });

  it('hands on once what such a log took when it went, and a node took again [PR-144]', async () => {
    const { log, opened, published, receive } = setUp();
    log.version = 5;
    await opened();
    receive(1, 'memory', 'm6');
    receive(2, 'memory', 'other');
    Object.assign(log, { epoch: 'e2', version: 7, continues: [{ epoch: 'e1', version: 6 }] });
    receive(7);
    await turn();
    expect(published).toEqual(['memory/1', 'memory/2', 'e2/7']);
  });

  it('goes on in an epoch that no log knows: a node in its own memory', async () => {
    const { log, clock, published, opened, receive } = setUp();
    log.version = 5;
    await opened();
    receive(3, 'node-7');
    receive(4, 'node-7');
    for (let i = 0; i < 8; i++) {
      await turn();
      clock.advance(800);
    }
    await turn();
    expect(published).toEqual(['node-7/3', 'node-7/4']);
  });

  it('opens without the store, and begins an epoch with the first message', async () => {
    const { log, feed, published, opened, receive } = setUp();
    log.away = true;
    await opened();
    expect(feed.position).toEqual({ epoch: UNKNOWN_EPOCH, version: 0 });
    Object.assign(log, { away: false, version: 12, first: 11 });
    receive(12);
    await turn();
    expect(published).toEqual(['e1/11', 'e1/12']);
  });

  it('goes on from what its members have seen when the store is back', async () => {
    const { log, clock, feed, published, opened, receive } = setUp();
    Object.assign(log, { away: true, version: 300 });
    await opened();
    expect(
      [
        { epoch: 'e1', version: 298 },
        { epoch: 'e1', version: 297 },
        { epoch: 'e1', version: 299 },
      ].map((seen) => feed.expect(seen)),
    ).toEqual([true, true, true]);
    for (const waitMs of [500, 1_000]) {
      clock.advance(waitMs);
      await turn();
    }
    expect(published).toEqual([]);
    log.away = false;
    clock.advance(2_000);
    await turn();
    expect(published).toEqual(['e1/298', 'e1/299', 'e1/300']);
    receive(301);
    expect(published.at(-1)).toBe('e1/301');
    expect(feed.expect({ epoch: 'e1', version: 1 })).toBe(false);
    clock.advance(8_000);
    await turn();
    expect([log.reads, clock.pendingTimers]).toEqual([1, 0]);
  });

  it('lets no client that names a version beyond the log keep messages from the others', async () => {
    const { log, clock, feed, published, opened, receive } = setUp();
    Object.assign(log, { away: true, version: 300 });
    await opened();
    feed.expect({ epoch: 'e1', version: 1_000_000 });
    log.away = false;
    clock.advance(500);
    await turn();
    expect(feed.position).toEqual({ epoch: 'e1', version: 300 });
    receive(301);
    expect(published).toEqual(['e1/301']);
  });

  it('goes on from what its members have seen of the epoch that the log continues [PR-144]', async () => {
    const { log, clock, feed, published, opened } = setUp();
    Object.assign(log, { away: true, version: 300 });
    await opened();
    feed.expect({ epoch: 'e1', version: 299 });
    Object.assign(log, { away: false, epoch: 'e2', version: 302, continues: [{ epoch: 'e1', version: 301 }] });
    clock.advance(500);
    for (let read = 0; read < 3; read++) await turn();
    expect(published).toEqual(['e2/300', 'e2/301', 'e2/302']);
  });

  it('goes on from the least that any of its members has seen, in whichever of two epochs [PR-144]', async () => {
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
    ]) {
      const { log, clock, feed, published, opened } = setUp();
      Object.assign(log, { away: true, version: 300 });
      await opened();
      const seen = [
        { epoch: 'e2', version: 302 },
        { epoch: 'e1', version: 300 },
        { epoch: '?', version: 7 },
      ];
      for (const index of order) feed.expect(seen[index] as Position);
      Object.assign(log, { away: false, epoch: 'e2', version: 303, continues: [{ epoch: 'e1', version: 301 }] });
      clock.advance(500);
      for (let read = 0; read < 3; read++) await turn();
      expect(published).toEqual(['e2/301', 'e2/302', 'e2/303']);
    }
  });

  it('gives nothing up that only a head told of while the log cannot be read, and reads it when it can', async () => {
    const { log, clock, feed, published, counted, opened, receive } = setUp();
    log.version = 5;
    await opened();
    log.away = true;
    feed.heard({ epoch: 'e1', version: 7 });
    for (let i = 0; i < 20; i++) {
      await turn();
      clock.advance(800);
    }
    expect([feed.position, published]).toEqual([{ epoch: 'e1', version: 5 }, []]);
    Object.assign(log, { away: false, version: 7 });
    clock.advance(8_000);
    for (let read = 0; read < 3; read++) await turn();
    receive(8);
    expect(published).toEqual(['e1/6', 'e1/7', 'e1/8']);
    expect([counted().lost, clock.pendingTimers]).toEqual([0, 0]);
  });

  it.each([
    ['there', false],
    ['away', true],
  ])(
    'is not led back to an epoch that its log went on from by who comes late, the store being %s when it began [PR-144]',
    async (_case, away) => {
      const { log, clock, feed, published, opened, receive } = setUp();
      const head = { epoch: 'e2', version: 104, continues: [{ epoch: 'e1', version: 103 }] };
      Object.assign(log, { ...head, away });
      await opened();
      const before = { epoch: 'e1', version: 103 };
      if (away) feed.expect(before);
      feed.heard(before);
      log.away = false;
      for (let i = 0; i < 3; i++) {
        clock.advance(500);
        await turn();
      }
      receive(103, 'e1');
      for (const version of [103, 105]) {
        feed.heard({ epoch: 'e1', version });
        for (let i = 0; i < 8; i++) {
          await turn();
          clock.advance(800);
        }
      }
      expect(feed.position).toEqual({ epoch: 'e2', version: 104 });
      receive(105, 'e2');
      expect(published).toEqual(away ? ['e2/104', 'e2/105'] : ['e2/105']);
      expect(clock.pendingTimers).toBe(0);
    },
  );

  it('does nothing more once closed', async () => {
    const { log, clock, feed, published, opened, receive } = setUp();
    await opened();
    log.version = 3;
    receive(3);
    feed.close();
    feed.heard({ epoch: 'e1', version: 9 });
    await turn();
    expect(published).toEqual([]);
    expect(clock.pendingTimers).toBe(0);
  });

  it('keeps little of what comes early, and reads the rest', async () => {
    const { log, published, opened, receive } = setUp();
    await opened();
    log.version = 1_000;
    for (let version = 2; version <= 1_000; version++) receive(version);
    for (let i = 0; i < 5; i++) await turn();
    expect(published).toEqual(Array.from({ length: 1_000 }, (_, i) => `e1/${i + 1}`));
  });

  it('hands on every version once and in order, however deliveries are dropped, doubled and mixed up', async () => {
    const arrivals = fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(arrivals, fc.nat(20), async (versions, start) => {
        const { log, feed, published, opened, receive } = setUp();
        log.version = start;
        await opened();
        for (const [i, version] of versions.entries()) {
          log.version = Math.max(log.version, version);
          receive(version);
          if (i % 7 === 0) await turn();
        }
        feed.heard({ epoch: 'e1', version: log.version });
        await turn();
        await turn();
        expect(published).toEqual(Array.from({ length: log.version - start }, (_, i) => `e1/${start + i + 1}`));
      }),
      { numRuns: 60 },
    );
  });
});
