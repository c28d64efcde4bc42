import { FakeClock } from '@im/protocol/testing';
import type { Page } from '@im/timeline';
import { describe, expect, it } from 'vitest';
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
