import { MAX_BODY_BYTES } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import type { NewEntry } from './log-store.js';
import { createMemoryLogStore } from './memory/memory-log-store.js';
import { routeLogStores } from './routed-log-store.js';
import { describeLogStoreContract } from './testing/log-store-contract.js';

describeLogStoreContract('routed', async (setup) =>
  routeLogStores({ default: createMemoryLogStore(setup), kinds: { d: createMemoryLogStore(setup) } }),
);

const entry: NewEntry = { event: 'message', body: new Uint8Array([1]), time: 1 };

describe('routed log store', () => {
  it('takes each group to the store of its kind, under any product', async () => {
    const [rooms, others] = [createMemoryLogStore(), createMemoryLogStore()];
    const store = routeLogStores({ default: others, kinds: { r: rooms } });
    for (const group of ['r:1', 'p1/r:1', 'u:1', 'rr:1']) await store.append(group, entry);
    const versions = async (of: typeof store) =>
      Promise.all(['r:1', 'p1/r:1', 'u:1', 'rr:1'].map(async (group) => (await of.head(group)).version));
    expect(await versions(rooms)).toEqual([1, 1, 0, 0]);
    expect(await versions(others)).toEqual([0, 0, 1, 1]);
    expect(await versions(store)).toEqual([1, 1, 1, 1]);
    await store.close();
  });

  it('appends to many across stores, answering in the order of the groups, and one store’s failure is its own', async () => {
    const [rooms, others] = [createMemoryLogStore(), createMemoryLogStore()];
    const store = routeLogStores({ default: others, kinds: { r: rooms } });
    await rooms.close();
    const outcomes = await store.appendMany(['r:1', 'u:1', 'r:2'], entry);
    expect([...outcomes.keys()]).toEqual(['r:1', 'u:1', 'r:2']);
    expect(outcomes.get('u:1')).toMatchObject({ version: 1 });
    expect(outcomes.get('r:1')).toMatchObject({ name: 'CLOSED' });
    await store.close();
  });

  it('refuses what no store could take, whatever the stores', async () => {
    const store = routeLogStores({ default: createMemoryLogStore(), kinds: { r: createMemoryLogStore() } });
    const tooLarge = { ...entry, body: new Uint8Array(MAX_BODY_BYTES + 1) };
    await expect(store.appendMany(['r:1', 'u:1'], tooLarge)).rejects.toMatchObject({ name: 'BODY_TOO_LARGE' });
    await store.close();
  });
});
