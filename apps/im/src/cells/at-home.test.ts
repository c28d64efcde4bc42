import { parseHomes } from '@im/broadcast/bridge';
import { openIdSource } from '@im/timeline';
import { createMemoryLogStore, createMemoryRecordStore } from '@im/timeline/memory';
import { expect, it } from 'vitest';
import { logsAtHome, recordsAtHome } from './at-home.js';

const homes = parseHomes(['g:eu-*=b', 'g:us-*=c', '*=a']);

it('keeps records where the log of their owner is, and asks no other cell', async () => {
  const [a, b] = [createMemoryRecordStore(), createMemoryRecordStore()];
  const cells = new Map([
    ['a', a],
    ['b', b],
  ]);
  const records = recordsAtHome(homes, cells);
  const body = new Uint8Array([1]);
  await records.write('u:ann', [{ field: 'x', body }]);
  await records.write('g:eu-1', [{ field: 'x', body }]);
  const all = { prefix: '', limit: 10 };
  expect([(await a.page('u:ann', all)).records.length, (await a.page('g:eu-1', all)).records.length]).toEqual([1, 0]);
  expect([(await b.page('u:ann', all)).records.length, (await b.page('g:eu-1', all)).records.length]).toEqual([0, 1]);
  expect((await records.get('g:eu-1', ['x'])).size + (await records.page('u:ann', all)).records.length).toBe(2);
});

it('refuses what is at home in a cell that cannot be reached, and never takes another for it', async () => {
  const a = createMemoryRecordStore();
  const records = recordsAtHome(homes, new Map([['a', a]]));
  const away = expect.objectContaining({ name: 'STORE_UNAVAILABLE', retryable: true });
  await expect(records.write('g:us-1', [{ field: 'x', body: new Uint8Array() }])).rejects.toEqual(away);
  await expect(records.get('g:us-1', ['x'])).rejects.toEqual(away);
  await expect(records.page('g:us-1', { prefix: '', limit: 1 })).rejects.toEqual(away);
});

it('reads logs at home, and nowhere else where that cannot be reached', async () => {
  const [a, b] = [createMemoryLogStore(), createMemoryLogStore()];
  await b.append('g:eu-1', { event: 'message', body: new Uint8Array([1]), time: 1 });
  const logs = logsAtHome(
    homes,
    new Map([
      ['a', a],
      ['b', b],
    ]),
  );
  expect((await logs.head('g:eu-1')).version).toBe(1);
  expect((await logs.read('g:eu-1', { after: 0, limit: 1 })).entries).toHaveLength(1);
  const away = expect.objectContaining({ name: 'STORE_UNAVAILABLE', retryable: true });
  await expect(logs.head('g:us-1')).rejects.toEqual(away);
  await expect(logs.read('g:us-1', { after: 0, limit: 1 })).rejects.toEqual(away);
});

it('has ids of messages from one cell, so that no two give the same', async () => {
  const a = createMemoryRecordStore();
  const cells = [1, 2].map(() => recordsAtHome(homes, new Map([['a', a]])));
  const sources = await Promise.all(cells.map((records) => openIdSource({ records, segment: 8 })));
  const given = Array.from({ length: 12 }, (_, index) => sources[index % 2]?.next());
  expect(new Set(given).size).toBe(12);
  for (const source of sources) source.close();
});
