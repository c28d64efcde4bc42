/** The simplest log store thinkable, and how to compare a real one with it. */
import type { FakeClock } from '@im/protocol/testing';
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Appended, LogStore, NewEntry, ReadRange } from '../log-store.js';
import type { Retention } from '../retention.js';

interface DrawnEntry {
  readonly id?: string;
  readonly size: number;
}

export type Command =
  | { readonly type: 'append'; readonly group: string; readonly entry: DrawnEntry }
  | { readonly type: 'appendMany'; readonly groups: readonly string[]; readonly entry: DrawnEntry }
  /** Awaits all appends made so far. */
  | { readonly type: 'settle' }
  | {
      readonly type: 'read';
      readonly group: string;
      readonly from: number;
      readonly forward: boolean;
      readonly limit: number;
      readonly maxBytes: number | undefined;
    }
  | { readonly type: 'wait'; readonly ms: number };

/** Few groups and ids, so that they meet. */
export function arbitraryCommands(maxLength: number): fc.Arbitrary<Command[]> {
  const group = fc.constantFrom('u:1', 'u:2', 'r:1');
  const entry = fc.record(
    { id: fc.constantFrom('a', 'b', 'c', 'd'), size: fc.integer({ min: 0, max: 90 }) },
    { requiredKeys: ['size'] },
  );
  const groups = fc.array(group, { maxLength: 4 });
  const command: fc.Arbitrary<Command> = fc.oneof(
    { weight: 6, arbitrary: fc.record({ type: fc.constant('append' as const), group, entry }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('appendMany' as const), groups, entry }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('settle' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        type: fc.constant('read' as const),
        group,
        from: fc.integer({ min: 0, max: 12 }),
        forward: fc.boolean(),
        limit: fc.integer({ min: 1, max: 6 }),
        maxBytes: fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('wait' as const), ms: fc.constantFrom(1, 400, 1_001) }) },
  );
  return fc.array(command, { maxLength });
}

interface ModelEntry {
  readonly version: number;
  readonly id: string | undefined;
  readonly body: string;
  readonly at: number;
}

type Outcome = { readonly version: number; readonly duplicate: boolean };

export class LogStoreModel {
  readonly #retention: Retention;
  readonly #logs = new Map<string, ModelEntry[]>();

  constructor(retention: Retention) {
    this.#retention = retention;
  }

  /** Carries the commands out on both, appends without awaiting them, and fails where they differ. */
  async compare(store: LogStore, clock: FakeClock, commands: readonly Command[]): Promise<void> {
    const pending: Promise<void>[] = [];
    const settle = () => Promise.all(pending.splice(0));
    for (const [index, command] of commands.entries()) {
      if (command.type === 'append') {
        const entry = entryOf(index, command.entry);
        const expected = this.#append(command.group, entry, clock.now());
        pending.push(store.append(command.group, entry).then((appended) => expect(appended).toMatchObject(expected)));
      } else if (command.type === 'appendMany') {
        const entry = entryOf(index, command.entry);
        const expected = [...new Set(command.groups)].map(
          (group) => [group, expect.objectContaining(this.#append(group, entry, clock.now()))] as const,
        );
        pending.push(
          store.appendMany(command.groups, entry).then((appended: ReadonlyMap<string, Appended | Error>) => {
            expect([...appended]).toEqual(expected);
          }),
        );
      } else {
        // Retention and reading concern what has settled; before, stores may differ.
        await settle();
        if (command.type === 'wait') clock.advance(command.ms);
        if (command.type === 'read') await this.#compareRead(store, clock, command);
      }
    }
    await settle();
    for (const group of this.#logs.keys()) {
      await this.#compareRead(store, clock, { group, from: 0, forward: true, limit: 1_000, maxBytes: undefined });
    }
  }

  async #compareRead(
    store: LogStore,
    clock: FakeClock,
    read: Omit<Extract<Command, { type: 'read' }>, 'type'>,
  ): Promise<void> {
    const bytes = read.maxBytes === undefined ? {} : { maxBytes: read.maxBytes };
    const range: ReadRange = read.forward
      ? { after: read.from, limit: read.limit, ...bytes }
      : { before: read.from, limit: read.limit, ...bytes };
    const page = await store.read(read.group, range);
    const all = this.#logs.get(read.group) ?? [];
    const kept = this.#kept(read.group, clock.now());
    const candidates = read.forward
      ? kept.filter(({ version }) => version > read.from)
      : kept.filter(({ version }) => version < read.from).reverse();
    const expected: ModelEntry[] = [];
    let total = 0;
    for (const entry of candidates.slice(0, read.limit)) {
      total += entry.body.length;
      if (expected.length > 0 && total > (read.maxBytes ?? Infinity)) break;
      expected.push(entry);
    }
    expect({
      version: page.version,
      first: page.first,
      entries: page.entries.map(({ version, id, body }) => ({ version, id, body: new TextDecoder().decode(body) })),
    }).toEqual({
      version: all.length,
      first: kept[0]?.version ?? all.length + 1,
      entries: expected.map(({ version, id, body }) => ({ version, id, body })),
    });
    const { version, first } = await store.head(read.group);
    expect({ version, first }).toEqual({ version: page.version, first: page.first });
  }

  #append(group: string, entry: NewEntry, now: number): Outcome {
    const log = this.#logs.get(group) ?? [];
    this.#logs.set(group, log);
    const known = entry.id === undefined ? undefined : this.#kept(group, now).find(({ id }) => id === entry.id);
    if (known) return { version: known.version, duplicate: true };
    const version = log.length + 1;
    log.push({ version, id: entry.id, body: new TextDecoder().decode(entry.body), at: now });
    return { version, duplicate: false };
  }

  /** The newest entries that all three limits allow. */
  #kept(group: string, now: number): ModelEntry[] {
    const { maxEntries, maxBytes, maxAgeMs } = this.#retention;
    const kept: ModelEntry[] = [];
    let bytes = 0;
    for (const entry of [...(this.#logs.get(group) ?? [])].reverse()) {
      bytes += entry.body.length;
      if (kept.length === maxEntries || (kept.length > 0 && bytes > maxBytes) || now - entry.at > maxAgeMs) break;
      kept.unshift(entry);
    }
    return kept;
  }
}

function entryOf(index: number, { id, size }: DrawnEntry): NewEntry {
  const body = new TextEncoder().encode(`${index}`.padEnd(size, '.').slice(0, size));
  return { ...(id !== undefined && { id }), event: 'message', body, time: 1_790_000_000_000 + index };
}
