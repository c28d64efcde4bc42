import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { noMetrics, silentLogger } from '@im/protocol/ports';
import { afterAll } from 'vitest';
import { retentionByGroup } from '../retention.js';
import { describeLogStoreContract } from '../testing/log-store-contract.js';
import { openLmdbDatabase } from './lmdb-database.js';
import { openStoreIn } from './open-lmdb-log-store.js';
import { StoreFigures } from './store-figures.js';

const folders: string[] = [];
function folder(): string {
  const made = mkdtempSync(path.join(tmpdir(), 'im-timeline-'));
  folders.push(made);
  return made;
}
afterAll(() => {
  for (const each of folders) rmSync(each, { recursive: true, force: true });
});

for (const [name, checkpointFrom] of [
  ['lmdb', 8_192],
  ['lmdb, rows at once', 1],
] as const) {
  describeLogStoreContract(name, ({ retention, clock }) =>
    openStoreIn(openLmdbDatabase(folder()), {
      retentionOf: retentionByGroup(retention),
      clock,
      logger: silentLogger,
      figures: new StoreFigures(noMetrics),
      maxPendingEntries: 100_000,
      maxPendingBytes: 67_108_864,
      maxIdleLogs: 2,
      checkpointFrom,
    }),
  );
}
