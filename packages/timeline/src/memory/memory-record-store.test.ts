import { RecordingMetrics } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { describeRecordStoreContract } from '../testing/record-store-contract.js';
import { createMemoryRecordStore } from './memory-record-store.js';

describeRecordStoreContract('memory', async () => ({ records: createMemoryRecordStore(), close: async () => {} }));

describe('a record store in memory', () => {
  it('refuses what it has no room for, and takes it once something was deleted', async () => {
    const metrics = new RecordingMetrics();
    const store = createMemoryRecordStore({ maxTotalBytes: 4_000, metrics });
    const body = new Uint8Array(1_000);
    await store.write('u:a', [{ field: 'a', body }]);
    await store.write('u:b', [{ field: 'a', body }]);
    await expect(store.write('u:c', [{ field: 'a', body }])).rejects.toMatchObject({ name: 'STORE_FULL' });
    await store.write('u:b', [{ field: 'a', body: undefined }]);
    await store.write('u:c', [{ field: 'a', body }]);
    expect(metrics.value('im_timeline_record_bytes', { store: 'memory' })).toBeLessThanOrEqual(4_000);
    for (const owner of ['u:a', 'u:c']) await store.write(owner, [{ field: 'a', body: undefined }]);
    expect(metrics.value('im_timeline_record_bytes', { store: 'memory' })).toBe(0);
  });

  it('counts writes and those that came too late', async () => {
    const metrics = new RecordingMetrics();
    const store = createMemoryRecordStore({ metrics });
    await store.write('u:a', [{ field: 'a', body: new Uint8Array(1), revision: 0 }]);
    await expect(store.write('u:a', [{ field: 'a', body: undefined, revision: 0 }])).rejects.toThrow();
    expect(metrics.value('im_timeline_record_writes_total', { store: 'memory' })).toBe(1);
    expect(metrics.value('im_timeline_record_conflicts_total', { store: 'memory' })).toBe(1);
  });
});
