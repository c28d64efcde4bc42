import { createServiceClient } from '@im/rpc';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startWorkers, type WorkerFixture } from '../worker-fixture.js';
import { ReceiptNews } from './receipt-news.js';
import { receiptDefinition } from './receipt-service.js';
import { Receipts } from './receipts.js';

let fixture: WorkerFixture;
let receipts: Receipts;
beforeEach(async () => {
  fixture = await startWorkers();
  fixture.watch('u:ann');
  // Another worker, which shares the records.
  const { records, rpc: _, ...ports } = fixture;
  const publisher = { publish: async (group: string) => ({ group }) } as never;
  receipts = new Receipts({ records, news: new ReceiptNews({ publisher, ...ports }), ...ports });
});
afterEach(() => fixture.close());

const position = (user: string, version: number, group = 'g:team') => ({
  userGroup: `u:${user}`,
  device: 'd1',
  group,
  epoch: 'e',
  version,
});

async function askOf(version: number, by = 'ann'): Promise<void> {
  await receipts.prepare(['g:team']);
  const receipt = { of: 2, by, conversation: 'g:team', entry: version, delivered: 0, read: 0 };
  await receipts.ask({ log: 'g:team', epoch: 'e', version }, receipt);
}

describe('the service receipt', () => {
  it('takes positions, and tells the sender of all that changed in one message', async () => {
    await askOf(1);
    await askOf(2);
    const gateway = createServiceClient(receiptDefinition, fixture.caller);
    await gateway.$positions({ positions: [position('bob', 2), position('cat', 1), position('dan', 9, 'r:1')] });
    expect(fixture.pushes('receipt')).toEqual([]);
    fixture.clock.advance(1_000);
    await vi.waitFor(() => expect(fixture.pushes('receipt')).toHaveLength(1));
    expect(fixture.pushes('receipt')).toEqual([
      {
        receipts: [
          { conversation: 'g:team', version: 1, of: 2, delivered: 2 },
          { conversation: 'g:team', version: 2, of: 2, delivered: 1 },
        ],
      },
    ]);
    expect(fixture.deliveries).toMatchObject([{ group: 'u:ann', lane: 'normal' }]);
  });

  it('tells people of their own messages, and backends of all, with devices', async () => {
    await askOf(1);
    await askOf(2, 'bob');
    const backend = createServiceClient(receiptDefinition, fixture.caller);
    await backend.$positions({ positions: [position('bob', 2)] });
    const of = { conversation: 'g:team', versions: [1, 2, 3] };
    expect(await fixture.as(receiptDefinition, 'ann').of(of)).toEqual({
      receipts: [{ version: 1, of: 2, delivered: 1, read: 0 }],
    });
    expect((await fixture.as(receiptDefinition, 'cat').of(of)).receipts).toEqual([]);
    expect((await fixture.as(receiptDefinition, 'ann', { product: 'p1' }).of(of)).receipts).toEqual([]);
    expect((await backend.$query({ group: 'g:team', versions: [1, 2] })).receipts).toHaveLength(2);
    expect(await backend.$readers({ group: 'g:team', version: 1 })).toEqual({
      users: [{ user: 'bob', devices: ['d1'], read: false }],
      more: false,
    });
  });

  it('counts what backends push and ask for, and tells who has it in the epoch of the push', async () => {
    const backend = createServiceClient(receiptDefinition, fixture.caller);
    const push = { product: 'p1', id: 'news-1' };
    await expect(backend.$asked(push)).rejects.toMatchObject({ name: 'RECEIPT_UNKNOWN' });
    await backend.$prepare({ ...push, users: ['bob', 'cat'] });
    await backend.$positions({
      positions: [
        { ...position('bob', 3, 'p1/u:bob'), userGroup: 'p1/u:bob' },
        { ...position('cat', 9, 'p1/u:cat'), userGroup: 'p1/u:cat', epoch: 'older' },
      ],
    });
    const entries: [string, string, number][] = [
      ['bob', 'e', 3],
      ['cat', 'e', 1],
    ];
    await backend.$ask({ ...push, entries });
    expect(await backend.$asked(push)).toEqual({ of: 2, delivered: 1 });
    const readersOf = async (user: string, version: number) =>
      (await backend.$readers({ product: 'p1', group: `u:${user}`, version, epoch: 'e' })).users;
    expect(await readersOf('bob', 3)).toEqual([{ user: 'bob', devices: ['d1'], read: false }]);
    expect(await readersOf('cat', 1)).toEqual([{ user: 'cat', devices: [], read: false }]);
  });

  it('refuses what is no group with receipts', async () => {
    await expect(fixture.as(receiptDefinition, 'ann').of({ conversation: 'r:1', versions: [1] })).rejects.toMatchObject(
      { name: 'INVALID_INPUT' },
    );
  });
});
