/** Stores that fail now and then, callers that go on all the same, and what is to hold of them; for this package's tests. */
import { ImError } from '@im/protocol';
import fc from 'fast-check';
import { type FixtureOptions, FREE_RATES, startWorkers, type WorkerFixture } from './worker-fixture.js';

/**
 * Asserts something of any turns of what is done at once, by two workers on the same stores.
 * @param proves carries them out, while stores fail after `turn(true)`, and throws where it does not hold
 */
export async function holdsOfAnyTurns<Step>(
  step: fc.Arbitrary<Step>,
  numRuns: number,
  proves: (fixture: WorkerFixture, turns: readonly (readonly Step[])[], turn: (on: boolean) => void) => Promise<void>,
): Promise<void> {
  const turns = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(turns, fc.nat(), async (all, seed) => {
      const { options, turn } = faultyStores(seed);
      const fixture = await startWorkers({ ...options, rates: FREE_RATES });
      try {
        await fixture.startAnother();
        await proves(fixture, all, turn);
      } finally {
        await fixture.close();
      }
    }),
    { numRuns },
  );
}

/** A store that fails now and then, before it did what it was asked to, or after. */
function faultyStores(seed: number) {
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
  const turn = (on: boolean): void => {
    isOn = on;
  };
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
  return { options, turn };
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
