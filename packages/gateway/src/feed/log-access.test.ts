import { FakeClock } from '@im/protocol/testing';
import type { Page } from '@im/timeline';
import { describe, expect, it, vi } from 'vitest';
import { LogAccess } from './log-access.js';

const PAGE: Page = { epoch: 'e', version: 0, first: 1, entries: [] };

function setUp() {
  const clock = new FakeClock();
  const reads: { group: string; settle: (page: Page | Error) => void }[] = [];
  const read = (group: string) =>
    new Promise<Page>((resolve, reject) => {
      reads.push({ group, settle: (page) => (page instanceof Error ? reject(page) : resolve(page)) });
    });
  const log = new LogAccess({ head: read, read }, { clock, timeoutMs: 1_000, afterTurn: setImmediate });
  return { clock, reads, log };
}
const turn = (): Promise<void> => new Promise(setImmediate);

describe('LogAccess', () => {
  it('shares equal reads that are under way, and none that are over', async () => {
    const { log, reads } = setUp();
    const both = [log.read('r:1', 0, 10), log.read('r:1', 0, 10), log.read('r:1', 5, 10), log.head('r:1')];
    await turn();
    expect(reads).toHaveLength(3);
    for (const { settle } of reads) settle(PAGE);
    await Promise.all(both);
    void log.read('r:1', 0, 10);
    await turn();
    expect(reads).toHaveLength(4);
    reads[3]?.settle(PAGE);
  });

  it('shares what was read in a turn with all who ask in it, also once it is there, and with nobody later', async () => {
    const { log, reads } = setUp();
    const first = log.recent('r:1', 0, 10);
    await Promise.resolve();
    reads[0]?.settle(PAGE);
    expect(await first).toBe(PAGE);
    expect(await log.recent('r:1', 0, 10)).toBe(PAGE);
    void log.recent('r:1', 5, 10);
    await turn();
    expect(reads).toHaveLength(2);
    reads[1]?.settle(PAGE);
    void log.recent('r:1', 0, 10);
    await turn();
    expect(reads).toHaveLength(3);
    reads[2]?.settle(PAGE);
  });

  it('asks a log again that has just gone away, once for all, until it answers', async () => {
    const { log, reads, clock } = setUp();
    const waiting = [log.awaited('r:1', 0, 10), log.awaited('r:1', 0, 10)];
    for (let read = 0; read < 3; read++) {
      reads[read]?.settle(new Error('away'));
      await turn();
      clock.advance(200);
      await turn();
    }
    reads[3]?.settle(PAGE);
    expect(await Promise.all(waiting)).toEqual([PAGE, PAGE]);
    expect(reads).toHaveLength(4);
    expect(clock.pendingTimers).toBe(0);
  });

  it('lets nobody wait for longer than an answer may take, nor who comes when a log has been away for so long', async () => {
    const { log, reads, clock } = setUp();
    const failed = vi.fn();
    void log.awaited('r:1', 0, 10).catch(failed);
    for (let read = 0; read < 6; read++) {
      expect(failed).not.toHaveBeenCalled();
      reads[read]?.settle(new Error('away'));
      await turn();
      clock.advance(200);
      await turn();
    }
    expect(failed).toHaveBeenCalledWith(expect.objectContaining({ name: 'STORE_UNAVAILABLE' }));
    const late = log.awaited('r:2', 0, 10);
    reads[6]?.settle(new Error('away'));
    await expect(late).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    expect(reads).toHaveLength(7);
    // It came back meanwhile, and went away once more.
    const found = log.read('r:1', 0, 10);
    reads[7]?.settle(PAGE);
    await found;
    await turn();
    const next = log.awaited('r:2', 0, 10);
    reads[8]?.settle(new Error('away'));
    await turn();
    clock.advance(200);
    await turn();
    reads[9]?.settle(PAGE);
    expect(await next).toBe(PAGE);
    expect(clock.pendingTimers).toBe(0);
  });

  it('calls a store that fails or hangs unavailable', async () => {
    const { log, reads, clock } = setUp();
    const failing = log.head('r:1');
    const hanging = log.read('r:1', 0, 10);
    reads[0]?.settle(new Error('broken'));
    await expect(failing).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE', retryable: true });
    clock.advance(1_000);
    await expect(hanging).rejects.toMatchObject({ name: 'STORE_UNAVAILABLE' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('asks for a bounded number at once; the rest waits its turn', async () => {
    const { log, reads } = setUp();
    const all = Array.from({ length: 100 }, (_, i) => log.head(`r:${i}`));
    await turn();
    expect(reads).toHaveLength(64);
    for (let i = 0; i < 100; i++) {
      reads[i]?.settle(PAGE);
      await turn();
    }
    expect(await Promise.all(all)).toHaveLength(100);
    expect(reads.map(({ group }) => group)).toEqual(Array.from({ length: 100 }, (_, i) => `r:${i}`));
  });
});
