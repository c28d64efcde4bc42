/**
 * One log store made of several, by kind of group: rooms in memory, conversations on the disk. Must not know what kinds
 * there are.
 */
import { ImError } from '@im/protocol';
import { checkEntry } from './argument-checks.js';
import { kindOf } from './group-kind.js';
import type { Appended, Head, LogStore, NewEntry, Page, ReadRange } from './log-store.js';

export interface LogStoresByKind {
  /** For kinds that are not named. */
  readonly default: LogStore;
  /** By kind of group: `r`, `u` … */
  readonly kinds: Readonly<Record<string, LogStore>>;
}

/** Closing it closes all of them. */
export function routeLogStores(stores: LogStoresByKind): LogStore {
  return new RoutedLogStore(stores);
}

class RoutedLogStore implements LogStore {
  readonly #default: LogStore;
  readonly #kinds: ReadonlyMap<string, LogStore>;

  constructor(stores: LogStoresByKind) {
    this.#default = stores.default;
    this.#kinds = new Map(Object.entries(stores.kinds));
  }

  head(group: string): Promise<Head> {
    return this.#storeOf(group).head(group);
  }

  read(group: string, range: ReadRange): Promise<Page> {
    return this.#storeOf(group).read(group, range);
  }

  append(group: string, entry: NewEntry): Promise<Appended> {
    return this.#storeOf(group).append(group, entry);
  }

  async appendMany(groups: readonly string[], entry: NewEntry): Promise<ReadonlyMap<string, Appended | Error>> {
    checkEntry(entry);
    const byStore = new Map<LogStore, string[]>();
    for (const group of groups) {
      const store = this.#storeOf(group);
      const share = byStore.get(store);
      if (share === undefined) byStore.set(store, [group]);
      else share.push(group);
    }
    const [only] = byStore.keys();
    if (byStore.size <= 1) return (only ?? this.#default).appendMany(groups, entry);
    const parts = await Promise.all([...byStore].map(([store, share]) => outcomesOf(store, share, entry)));
    const outcomes = new Map(parts.flatMap((part) => [...part]));
    return new Map(groups.map((group) => [group, outcomes.get(group) ?? new ImError('INTERNAL')]));
  }

  async close(): Promise<void> {
    await Promise.all([...new Set([this.#default, ...this.#kinds.values()])].map((store) => store.close()));
  }

  #storeOf(group: string): LogStore {
    return this.#kinds.get(kindOf(group)) ?? this.#default;
  }
}

/** One store's failure is no other's. */
async function outcomesOf(
  store: LogStore,
  groups: readonly string[],
  entry: NewEntry,
): Promise<ReadonlyMap<string, Appended | Error>> {
  try {
    return await store.appendMany(groups, entry);
  } catch (error) {
    return new Map(groups.map((group) => [group, ImError.wrap(error)]));
  }
}
