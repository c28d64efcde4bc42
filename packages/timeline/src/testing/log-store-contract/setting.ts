/** What every part of the contract works with: a clock, and stores on it that are closed after their test. */
import { FakeClock } from '@im/protocol/testing';
import { afterEach, beforeEach, expect } from 'vitest';
import type { Appended, Entry, LogStore, NewEntry } from '../../log-store.js';
import type { Retention, RetentionPolicy } from '../../retention.js';

export interface LogStoreSetup {
  readonly retention: RetentionPolicy;
  /** The store's clock: decides what is too old. */
  readonly clock: FakeClock;
}

/** Of the test that is running. */
export interface ContractSetting {
  readonly clock: FakeClock;
  /** Empty at first, and nothing that a test appends has to go. */
  readonly store: LogStore;
  /** Another one, empty too. */
  openWith(retention: RetentionPolicy): Promise<LogStore>;
}

export const AMPLE: Retention = { maxEntries: 10_000, maxBytes: 100_000_000, maxAgeMs: 1_000_000_000 };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function entryOf(body: string, rest: Partial<NewEntry> = {}): NewEntry {
  return { event: 'message', body: encoder.encode(body), time: 1_790_000_000_000, ...rest };
}

export function textsOf(entries: readonly Entry[]): string[] {
  return entries.map(({ body }) => decoder.decode(body));
}

export function appendAll(store: LogStore, group: string, ...bodies: string[]): Promise<Appended[]> {
  return Promise.all(bodies.map((body) => store.append(group, entryOf(body))));
}

export function useSetting(open: (setup: LogStoreSetup) => Promise<LogStore>): ContractSetting {
  const opened: LogStore[] = [];
  let clock: FakeClock;
  let store: LogStore;

  async function openWith(retention: RetentionPolicy): Promise<LogStore> {
    const fresh = await open({ retention, clock });
    opened.push(fresh);
    return fresh;
  }

  beforeEach(async () => {
    clock = new FakeClock();
    store = await openWith({ default: AMPLE });
  });

  afterEach(async () => {
    await Promise.all(opened.splice(0).map((each) => each.close()));
    expect(clock.pendingTimers, 'timers left after close').toBe(0);
  });

  return {
    get clock() {
      return clock;
    },
    get store() {
      return store;
    },
    openWith,
  };
}
