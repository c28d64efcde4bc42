/** Stores that fail now and then, and a caller that goes on all the same; for this package's tests. */
import { ImError } from '@im/protocol';
import type { FixtureOptions } from './worker-fixture.js';

/** A store that fails now and then, before it did what it was asked to, or after. */
export function faultyStores(seed: number) {
  let random = seed;
  let isOn = false;
  async function risk<Result>(run: () => Promise<Result>): Promise<Result> {
    // Numerical Recipes, 7.1.
    random = (random * 1_664_525 + 1_013_904_223) % 2 ** 32;
    const fault = isOn ? Math.floor(random / 2 ** 28) : undefined;
    if (fault === 0) throw new ImError('STORE_UNAVAILABLE');
    const result = await run();
    if (fault === 1) throw new ImError('STORE_UNAVAILABLE');
    return result;
  }
  const options: FixtureOptions = {
    wrapLog: (log) => ({
      head: (group) => risk(() => log.head(group)),
      read: (group, range) => risk(() => log.read(group, range)),
      append: (group, entry) => risk(() => log.append(group, entry)),
      appendMany: (groups, entry) => risk(() => log.appendMany(groups, entry)),
      close: () => log.close(),
    }),
    wrapRecords: (records) => ({
      get: (owner, fields) => risk(() => records.get(owner, fields)),
      page: (owner, range) => risk(() => records.page(owner, range)),
      write: (owner, changes) => risk(() => records.write(owner, changes)),
    }),
  };
  return { options, turn: (on: boolean) => (isOn = on) };
}

/** As the SDK does: again with the same key, until it is answered. */
export async function persist<Result>(call: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof ImError && error.retryable)) throw error;
    }
  }
}
