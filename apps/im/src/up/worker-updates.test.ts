import { RecordingLogger } from '@im/protocol/testing';
import { expect, it, vi } from 'vitest';
import { WorkerUpdates } from './worker-updates.js';

function setUp() {
  const ends: { resolve(count: number): void; reject(error: Error): void }[] = [];
  const update = vi.fn(() => new Promise<number>((resolve, reject) => void ends.push({ resolve, reject })));
  const logger = new RecordingLogger();
  return {
    ends,
    update,
    logger,
    updates: new WorkerUpdates({ update, logger }),
  };
}

it('tells how many workers have their new code', async () => {
  const { ends, updates } = setUp();
  const asked = updates.request('a test');
  ends[0]?.resolve(2);
  expect(await asked).toEqual({ updated: true, message: '2 workers updated' });
});

it('tells in one line why nothing has changed', async () => {
  const { ends, updates, logger } = setUp();
  const asked = updates.request('a test');
  ends[0]?.reject(new Error('the new a ended before it was ready: exit code 1'));
  const message = 'not updated, the workers go on as they were: the new a ended before it was ready: exit code 1';
  expect(await asked).toEqual({ updated: false, message });
  expect(logger.records.filter(({ level }) => level === 'error').map((line) => line.message)).toEqual([message]);
});

it('updates once more for all who asked while an update was under way, whose code may have been old', async () => {
  const { ends, update, updates } = setUp();
  const asked = ['1', '2', '3'].map((cause) => updates.request(cause));
  expect(update).toHaveBeenCalledTimes(1);
  ends[0]?.resolve(2);
  await asked[0];
  await vi.waitFor(() => expect(update).toHaveBeenCalledTimes(2));
  ends[1]?.reject(new Error('no'));
  expect((await Promise.all(asked)).map(({ updated }) => updated)).toEqual([true, false, false]);
  expect(update).toHaveBeenCalledTimes(2);
});
