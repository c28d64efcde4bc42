// Several workers with one outbox, in memory; each has a clock of its own, so that one that is killed is one whose clock stands still.
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { ImError, type Position } from '@im/protocol';
import { FakeClock, RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import type { Head, LogStore, RecordStore } from '@im/timeline';
import { createMemoryLogStore, createMemoryRecordStore } from '@im/timeline/memory';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { OfflineEvent } from './offline-event.js';
import { OfflineHook } from './offline-hook.js';
import { OUTBOX } from './outbox.js';

const RETENTION = { maxEntries: 1_000, maxBytes: 10_485_760, maxAgeMs: 3_600_000 };
const settle = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate);
};

class Cell {
  readonly clock = new FakeClock();
  /** The store; {@link log} is how it is seen. */
  readonly store;
  readonly log: LogStore;
  readonly records: RecordStore;
  readonly told: { readonly by: string; readonly id: string; readonly user: string }[] = [];
  readonly workers = new Map<string, Worker>();
  isStoreAway = false;
  /** What the log is now, where it has begun anew. */
  anew: { readonly store: LogStore; readonly continues?: readonly Position[] } | undefined;

  constructor(retention = RETENTION) {
    this.store = createMemoryLogStore({ retention: { default: retention }, clock: this.clock });
    const seen = <Place extends Head>(head: Place): Place => {
      const continues = this.anew?.continues;
      return continues ? { ...head, continues } : head;
    };
    const now = () => this.anew?.store ?? this.store;
    this.log = {
      head: async (group) => seen(await now().head(group)),
      read: async (group, range) => seen(await now().read(group, range)),
      append: (group, entry) => now().append(group, entry),
      appendMany: (groups, entry) => now().appendMany(groups, entry),
      close: () => now().close(),
    };
    const records = createMemoryRecordStore({ clock: this.clock });
    const whenThere = <Result>(run: () => Promise<Result>) =>
      this.isStoreAway ? Promise.reject(new ImError('STORE_UNAVAILABLE')) : run();
    this.records = {
      get: (...args) => whenThere(() => records.get(...args)),
      page: (...args) => whenThere(() => records.page(...args)),
      write: (...args) => whenThere(() => records.write(...args)),
    };
  }

  /** The store is another one from now on, with the first entries of the one before. */
  async beginAnew(upTo: number): Promise<void> {
    const { epoch, entries } = await this.store.read(OUTBOX, { after: 0, limit: 1_000 });
    const store = createMemoryLogStore({ retention: { default: RETENTION }, clock: this.clock });
    for (const { version: _, ...entry } of entries.slice(0, upTo)) await store.append(OUTBOX, entry);
    this.anew = { store, continues: [{ epoch, version: upTo }] };
  }

  start(name: string): Worker {
    const worker = new Worker(name, this);
    this.workers.set(name, worker);
    return worker;
  }

  /** For all who live; dead ones notice nothing. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 250) {
      this.clock.advance(250);
      for (const worker of this.workers.values()) if (!worker.isDead) worker.clock.advance(250);
      await settle();
    }
  }

  idsOf = (user: string) => this.told.filter((each) => each.user === user).map(({ id }) => id);
}

class Worker {
  readonly clock = new FakeClock();
  readonly metrics = new RecordingMetrics();
  readonly logger = new RecordingLogger();
  readonly hook: OfflineHook;
  isDead = false;
  readonly #held: (() => void)[] = [];
  /** What it tells hangs, or fails. */
  trouble: 'hangs' | 'fails' | undefined;

  constructor(name: string, cell: Cell) {
    const { clock, logger, metrics } = this;
    const publisher = createMemoryBroadcast({ sequencer: cell.log, clock, logger, metrics }).createPublisher();
    const tell = async ({ id, user }: OfflineEvent) => {
      if (this.isDead) return new Promise<void>(() => {});
      if (this.trouble === 'hangs') await new Promise<void>((resolve) => this.#held.push(resolve));
      if (this.trouble === 'fails') throw new ImError('UNAVAILABLE');
      cell.told.push({ by: name, id, user });
      return undefined;
    };
    this.hook = new OfflineHook({
      users: { sessionsOf: async () => [] },
      sinks: [{ name: 'test', tell }],
      concernOf: async () => ({ muted: false }),
      outbox: { publisher, log: cell.log, records: cell.records },
      preview: true,
      random: () => 0.5,
      ...{ clock, logger, metrics },
    });
  }

  send(id: string, ...users: string[]): Promise<void> {
    const message = { id, conversation: 'd:x', version: 1, from: { user: 'ann', name: 'Ann' }, text: 'hi' };
    return this.hook.message({ ...message, at: this.clock.now(), to: users.map((user) => [user, 0] as const) });
  }

  /** As many of those that hang are told. */
  release(count: number): void {
    for (const goOn of this.#held.splice(0, count)) goOn();
  }

  turns = () => this.metrics.value('im_workers_offline_turns_total') ?? 0;
}

let cell: Cell;
afterEach(async () => {
  const closing = [...cell.workers.values()].map(({ hook }) => hook.close(0));
  await settle();
  for (const { clock } of cell.workers.values()) clock.advance(1);
  await Promise.all(closing);
  expect([...cell.workers.values()].map(({ clock }) => clock.pendingTimers)).toEqual(
    [...cell.workers.keys()].map(() => 0),
  );
});

describe('the outbox', () => {
  it('is told once by several workers, those of one user in their order, by one of them', async () => {
    cell = new Cell();
    const workers = ['a', 'b', 'c'].map((name) => cell.start(name));
    const ids = Array.from({ length: 60 }, (_, index) => `m${index}`);
    for (const [index, id] of ids.entries()) {
      await workers[index % 3]?.send(id, 'bob', 'cat');
      if (index % 7 === 0) await cell.pass(250);
    }
    await cell.pass(2_000);
    expect([cell.idsOf('bob'), cell.idsOf('cat')]).toEqual([ids, ids]);
    expect(new Set(cell.told.map(({ by }) => by)).size).toBe(1);
    expect(workers.map((each) => each.turns()).sort()).toEqual([0, 0, 1]);
  });

  it('is told at once by the worker that has the turn', async () => {
    cell = new Cell();
    const worker = cell.start('a');
    await worker.send('m1', 'bob');
    await settle();
    expect(cell.idsOf('bob')).toEqual(['m1']);
  });

  it('is not told again of a message that is put in again', async () => {
    cell = new Cell();
    const [one, other] = [cell.start('a'), cell.start('b')];
    await one.send('m1', 'bob');
    await settle();
    await other.send('m1', 'bob');
    await cell.pass(5_000);
    expect(cell.idsOf('bob')).toEqual(['m1']);
  });

  it('is taken up by another worker when the one whose turn it is was killed, nothing left out', async () => {
    cell = new Cell();
    const [one, other] = [cell.start('a'), cell.start('b')];
    await one.send('m1', 'bob');
    await cell.pass(2_000);
    one.trouble = 'hangs';
    await one.send('m2', 'bob', 'cat');
    await one.send('m3', 'bob');
    await settle();
    one.isDead = true;
    await other.send('m4', 'bob');
    await cell.pass(5_000);
    expect(cell.idsOf('bob')).toEqual(['m1']);
    await cell.pass(4_000);
    expect([cell.idsOf('bob'), cell.idsOf('cat')]).toEqual([['m1', 'm2', 'm3', 'm4'], ['m2']]);
    expect(other.turns()).toBe(1);
  });

  it('is left to the next one by a worker that ends, which goes on within seconds', async () => {
    cell = new Cell();
    const one = cell.start('a');
    one.trouble = 'fails';
    for (const id of ['m1', 'm2']) await one.send(id, 'bob');
    await settle();
    const closing = one.hook.close(100);
    await settle();
    one.clock.advance(100);
    await closing;
    one.isDead = true;
    cell.start('b');
    await cell.pass(2_000);
    expect(cell.idsOf('bob')).toEqual(['m1', 'm2']);
  });

  it('is given up by a worker that stood still meanwhile, before it tells anything more', async () => {
    cell = new Cell();
    const [one, other] = [cell.start('a'), cell.start('b')];
    one.trouble = 'fails';
    await one.send('m1', 'bob');
    await settle();
    one.isDead = true;
    await cell.pass(9_000);
    expect(cell.told.map(({ by, id }) => by + id)).toEqual(['bm1']);
    await other.send('m2', 'bob');
    await cell.pass(2_000);
    one.isDead = false;
    one.trouble = undefined;
    await cell.pass(60_000);
    expect(cell.told.map(({ by, id }) => by + id)).toEqual(['bm1', 'bm2']);
    expect(one.logger.records).toContainEqual(expect.objectContaining({ level: 'warn' }));
  });

  it('is told of all that came after a log lost its end, though it has grown beyond what was told', async () => {
    cell = new Cell();
    const [one, other] = [cell.start('a'), cell.start('b')];
    for (const id of ['m1', 'm2', 'm3', 'm4']) await one.send(id, 'bob');
    await cell.pass(2_000);
    await cell.beginAnew(2);
    for (const id of ['n3', 'n4', 'n5']) await other.send(id, 'bob');
    await cell.pass(2_000);
    expect(cell.idsOf('bob')).toEqual(['m1', 'm2', 'm3', 'm4', 'n3', 'n4', 'n5']);
    expect(other.turns()).toBe(0);
  });

  it('is told of what stands where another message stood that was being told, though that one ends first', async () => {
    cell = new Cell();
    const [one, other] = [cell.start('a'), cell.start('b')];
    await one.send('m1', 'bob');
    await cell.pass(2_000);
    one.trouble = 'hangs';
    await one.send('lost', 'bob');
    await settle();
    await cell.beginAnew(1);
    await other.send('n2', 'cat');
    await cell.pass(500);
    one.release(1);
    await cell.pass(2_000);
    one.isDead = true;
    await cell.pass(9_000);
    expect([cell.idsOf('bob'), cell.idsOf('cat')]).toEqual([['m1', 'lost'], ['n2']]);
  });

  it('stays whose it is while a log that has begun anew has nothing to tell', async () => {
    cell = new Cell();
    const workers = ['a', 'b', 'c'].map((name) => cell.start(name));
    await workers[0]?.send('m1', 'bob');
    await cell.pass(3_000);
    await cell.beginAnew(1);
    await cell.pass(60_000);
    expect(workers.map((each) => each.turns())).toEqual([1, 0, 0]);
    expect(cell.idsOf('bob')).toEqual(['m1']);
  });

  it('is not told again of what was told, though that could not be put on record at once', async () => {
    cell = new Cell();
    const [one, other] = [cell.start('a'), cell.start('b')];
    one.trouble = 'hangs';
    await one.send('m1', 'bob');
    await settle();
    await cell.pass(750);
    one.release(1);
    await settle();
    cell.isStoreAway = true;
    await cell.pass(750);
    cell.isStoreAway = false;
    await cell.pass(20_000);
    expect(cell.idsOf('bob')).toEqual(['m1']);
    expect(other.turns()).toBe(0);
  });

  it('holds an hour of messages, and counts what it had no more room for', async () => {
    cell = new Cell({ ...RETENTION, maxEntries: 10 });
    const worker = cell.start('a');
    cell.isStoreAway = true;
    for (let index = 0; index < 14; index++) await worker.send(`m${index}`, 'bob');
    await settle();
    expect(cell.told).toEqual([]);
    cell.isStoreAway = false;
    await cell.pass(2_000);
    expect(cell.idsOf('bob')).toEqual(['m4', 'm5', 'm6', 'm7', 'm8', 'm9', 'm10', 'm11', 'm12', 'm13']);
    expect(worker.metrics.value('im_workers_offline_lost_total', { sink: 'outbox', reason: 'full' })).toBe(4);
  });

  it('refuses what cannot be made durable, so that nothing is acknowledged that nobody would be told of', async () => {
    cell = new Cell();
    const worker = cell.start('a');
    vi.spyOn(cell.log, 'append').mockRejectedValueOnce(new ImError('STORE_UNAVAILABLE'));
    await expect(worker.send('m1', 'bob')).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    await worker.send('m1', 'bob');
    await settle();
    expect(cell.idsOf('bob')).toEqual(['m1']);
  });

  it('passes over what somebody else wrote there', async () => {
    cell = new Cell();
    const body = new TextEncoder().encode('{"user":"bob"}');
    await cell.log.append(OUTBOX, { event: 'message', body, time: 0 });
    await cell.log.append(OUTBOX, { event: 'message', body: new Uint8Array([0xff]), time: 0 });
    await cell.log.append(OUTBOX, { event: 'other', body, time: 0 });
    const { id, from } = { id: 'm0', from: { user: 'ann', name: 'Ann' } };
    const forNobody = JSON.stringify({ id, conversation: 'd:x', version: 1, from, at: 0, to: [] });
    await cell.log.append(OUTBOX, { event: 'message', body: new TextEncoder().encode(forNobody), time: 0 });
    await cell.start('a').send('m1', 'bob');
    await settle();
    expect(cell.idsOf('bob')).toEqual(['m1']);
  });

  it('loses nothing, and keeps the order of each user, whoever is killed when and though the store is away', async () => {
    const step = fc.oneof(
      { weight: 6, arbitrary: fc.record({ send: fc.nat(2), to: fc.constantFrom('bob', 'cat') }) },
      { weight: 3, arbitrary: fc.record({ pass: fc.constantFrom(250, 1_000, 3_000) }) },
      { weight: 1, arbitrary: fc.record({ kill: fc.nat(2) }) },
      { weight: 1, arbitrary: fc.record({ away: fc.boolean() }) },
      { weight: 1, arbitrary: fc.record({ trouble: fc.constantFrom('fails' as const, undefined), who: fc.nat(2) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 40 }), async (steps) => {
        cell = new Cell();
        let started = 0;
        const begin = () => cell.start(`w${started++}`);
        const living = [begin(), begin(), begin()];
        const sent = new Map<string, string[]>([
          ['bob', []],
          ['cat', []],
        ]);
        for (const [index, each] of steps.entries()) {
          if ('send' in each) {
            await living[each.send]?.send(`m${index}`, each.to);
            sent.get(each.to)?.push(`m${index}`);
          } else if ('pass' in each) await cell.pass(each.pass);
          else if ('kill' in each) {
            (living[each.kill] as Worker).isDead = true;
            living[each.kill] = begin();
          } else if ('away' in each) cell.isStoreAway = each.away;
          else (living[each.who] as Worker).trouble = each.trouble;
        }
        cell.isStoreAway = false;
        for (const worker of living) worker.trouble = undefined;
        await cell.pass(80_000);
        for (const [user, ids] of sent) expect([...new Set(cell.idsOf(user))]).toEqual(ids);
        expect(living.map(({ metrics }) => metrics.value('im_workers_offline_waiting', { sink: 'test' }))).toEqual([
          0, 0, 0,
        ]);
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});
