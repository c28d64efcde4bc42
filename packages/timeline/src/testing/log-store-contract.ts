/**
 * What every log store promises, as a vitest suite that each of them runs. Needs vitest and fast-check where it is
 * imported. Names of tests are the contract.
 */
import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { LogStore } from '../log-store.js';
import { describeAppending } from './log-store-contract/appending.js';
import { describeMessageIds } from './log-store-contract/message-ids.js';
import { describeReading } from './log-store-contract/reading.js';
import { describeRefusing } from './log-store-contract/refusing.js';
import { describeRetention } from './log-store-contract/retention.js';
import { type LogStoreSetup, useSetting } from './log-store-contract/setting.js';
import { arbitraryCommands, LogStoreModel } from './log-store-model.js';

/**
 * @param name of the store
 * @param open makes a fresh, empty store, which the suite closes
 */
export function describeLogStoreContract(name: string, open: (setup: LogStoreSetup) => Promise<LogStore>): void {
  describe(`log store contract: ${name}`, () => {
    const setting = useSetting(open);
    describeAppending(setting);
    describeMessageIds(setting);
    describeReading(setting);
    describeRetention(setting);
    describeRefusing(setting);

    it('behaves like a list per group under any interleaving of calls', async () => {
      const retention = { maxEntries: 5, maxBytes: 100, maxAgeMs: 1_000 };
      await fc.assert(
        fc.asyncProperty(arbitraryCommands(60), async (commands) => {
          const fresh = await setting.openWith({ default: retention });
          const model = new LogStoreModel(retention);
          await model.compare(fresh, setting.clock, commands);
          await fresh.close();
        }),
        { numRuns: 40 },
      );
    }, 60_000);
  });
}
