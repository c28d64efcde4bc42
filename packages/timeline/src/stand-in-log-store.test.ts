import { ImError } from '@im/protocol';
import { RecordingLogger, RecordingMetrics } from '@im/protocol/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import type { LogStore, NewEntry } from './log-store.js';
import { createMemoryLogStore } from './memory/memory-log-store.js';
import { routeLogStores } from './routed-log-store.js';
import { type Availability, standInFor } from './stand-in-log-store.js';
import { describeLogStoreContract } from './testing/log-store-contract.js';

/** A store that can be taken away; calls under way may then fail although they were carried out. */
class Absentee implements LogStore, Availability {
  available = true;
  readonly #inner: LogStore;
  readonly #listeners = new Set<(available: boolean) => void>();
  /** Calls wait for it before they answer. */
  answering: Promise<void> = Promise.resolve();

  constructor(inner: LogStore) {
    this.#inner = inner;
  }

  turn(available: boolean): void {
    this.available = available;
    for (const listener of this.#listeners) listener(available);
  }

  onAvailability(listener: (available: boolean) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  head: LogStore['head'] = (group) => this.#answer(() => this.#inner.head(group));
  read: LogStore['read'] = (group, range) => this.#answer(() => this.#inner.read(group, range));
  append: LogStore['append'] = (group, entry) => this.#answer(() => this.#inner.append(group, entry));
  appendMany: LogStore['appendMany'] = async (groups, entry) => {
    const outcomes = await this.#inner.appendMany(groups, entry);
    await this.answering;
    if (this.available) return outcomes;
    return new Map(groups.map((group) => [group, new ImError('STORE_UNAVAILABLE')]));
  };
  close = () => this.#inner.close();

  async #answer<Result>(carryOut: () => Promise<Result>): Promise<Result> {
    if (!this.available) throw new ImError('STORE_UNAVAILABLE');
    const result = await carryOut();
    await this.answering;
    if (!this.available) throw new ImError('STORE_UNAVAILABLE');
    return result;
  }
}

describeLogStoreContract('stand-in, store there', async (setup) =>
  standInFor({ store: new Absentee(createMemoryLogStore(setup)), standIn: () => createMemoryLogStore(setup) }),
);

describeLogStoreContract('stand-in, store away', async (setup) => {
  const store = new Absentee(createMemoryLogStore(setup));
  store.turn(false);
  return standInFor({ store, standIn: () => createMemoryLogStore(setup) });
});

describe('a stand-in for a log store', () => {
  const entry: NewEntry = { id: 'm1', event: 'gift', body: new Uint8Array([1]), time: 1 };
  const other = { ...entry, id: 'm2' };
  let store: Absentee;
  let logger: RecordingLogger;
  let metrics: RecordingMetrics;
  let logs: LogStore;

  beforeEach(() => {
    store = new Absentee(createMemoryLogStore());
    logger = new RecordingLogger();
    metrics = new RecordingMetrics();
    logs = standInFor({ store, standIn: () => createMemoryLogStore({ node: 'node-7' }), logger, metrics });
  });

  it('goes on in memory, under an epoch that names the node, and returns by itself', async () => {
    const before = await logs.append('r:1', entry);
    store.turn(false);
    const meanwhile = await logs.append('r:1', other);
    expect(meanwhile).toMatchObject({ version: 1, duplicate: false });
    expect(meanwhile.epoch).toMatch(/^node-7-/);
    expect(await logs.head('r:1')).toMatchObject({ epoch: meanwhile.epoch, version: 1 });
    expect(metrics.value('im_timeline_standing_in')).toBe(1);
    store.turn(true);
    expect(metrics.value('im_timeline_standing_in')).toBe(0);
    expect(await logs.append('r:1', other)).toEqual({ epoch: before.epoch, version: 2, duplicate: false });
    expect(logger.records.map(({ level }) => level)).toEqual(['warn', 'info']);
  });

  it('begins a new epoch at every absence', async () => {
    const epochs = new Set<string>();
    for (let absence = 0; absence < 3; absence += 1) {
      store.turn(false);
      epochs.add((await logs.append('r:1', entry)).epoch);
      store.turn(true);
    }
    expect(epochs.size).toBe(3);
    expect(metrics.value('im_timeline_stand_ins_total')).toBe(3);
  });

  it('carries out in memory, in order, what the store had not answered when it went away', async () => {
    let answer = () => {};
    store.answering = new Promise((resolve) => {
      answer = resolve;
    });
    const one = logs.append('r:1', entry);
    const two = logs.append('r:1', other);
    const many = logs.appendMany(['r:1', 'r:2'], { ...entry, id: 'm3' });
    store.turn(false);
    answer();
    const [first, second, both] = await Promise.all([one, two, many]);
    expect([first.version, second.version, both.get('r:1')]).toEqual([1, 2, expect.objectContaining({ version: 3 })]);
    expect(both.get('r:2')).toMatchObject({ version: 1 });
    expect(first.epoch).toMatch(/^node-7-/);
  });

  it('passes on what a store that is there cannot do just now', async () => {
    store.append = () => Promise.reject(new ImError('STORE_UNAVAILABLE'));
    await expect(logs.append('r:1', entry)).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    expect(metrics.value('im_timeline_standing_in')).toBe(0);
  });

  it('leaves those kinds unavailable that are not routed to it', async () => {
    const routed = routeLogStores({ kinds: { r: logs }, default: store });
    store.turn(false);
    expect(await routed.append('r:1', entry)).toMatchObject({ version: 1 });
    for (const group of ['u:ann', 'd:1', 'g:1']) {
      await expect(routed.append(group, entry)).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE', retryable: true });
    }
    store.turn(true);
    expect(await routed.append('u:ann', entry)).toMatchObject({ version: 1 });
  });

  it('lets go of the store when it is closed', async () => {
    await logs.close();
    expect(store.listeners).toBe(0);
    await expect(logs.append('r:1', entry)).rejects.toMatchObject({ name: 'CLOSED' });
  });
});
