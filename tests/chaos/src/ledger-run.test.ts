import { hasRedisServer } from '@im/test-servers';
import { describe, expect, it } from 'vitest';
import { formatTable } from './books/table.js';
import { runLedger } from './ledger-run.js';
import { FEW_STEPS } from './steps.js';

describe.skipIf(!hasRedisServer)('a cluster under load', () => {
  it('delivers every acknowledged priority message once, in order, whatever is killed, and tells all losses of the normal lane', async () => {
    const options = { clients: 60, seconds: 6, messagesPerSecond: 150, seed: 20_261_121, steps: FEW_STEPS };
    const { rows, faults, faultCount } = await runLedger(options);
    const table = formatTable(rows);
    process.stdout.write(`${table}\n`);
    expect({ faultCount, faults }, table).toEqual({ faultCount: 0, faults: [] });
    for (const { lane, sent, acknowledged, delivered } of rows) {
      expect(sent, table).toBeGreaterThan(0);
      if (lane === 'priority') expect(acknowledged, table).toBe(sent);
      // Each goes to one viewer at least; of the normal lane some are lost, and told.
      expect(delivered, table).toBeGreaterThanOrEqual(lane === 'priority' ? acknowledged : 1);
    }
  }, 240_000);
});
