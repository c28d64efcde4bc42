import { describe, expect, it } from 'vitest';
import { CallLanes, type LaneCall } from './call-lanes.js';

interface NamedCall extends LaneCall {
  readonly name: string;
}

/** Lanes whose batches are answered by hand, in the order in which they were sent. */
class Harness {
  readonly batches: string[][] = [];
  readonly #answers: (() => void)[] = [];
  readonly lanes: CallLanes<NamedCall>;

  constructor(
    limits: Partial<{ maxBatchCalls: number; maxBatchBytes: number; maxCalls: number; maxBytes: number }> = {},
  ) {
    this.lanes = new CallLanes({
      send: (batch) => {
        this.batches.push(batch.map(({ name }) => name));
        return new Promise((resolve) => this.#answers.push(resolve));
      },
      ...{ maxBatchCalls: 100, maxBatchBytes: 1_000, maxCalls: 1_000, maxBytes: 10_000 },
      ...limits,
    });
  }

  add(lane: string, names: string, bytes = 1): void {
    for (const name of names) this.lanes.add(lane, { name, bytes });
  }

  async answer(): Promise<void> {
    this.#answers.shift()?.();
    await turn();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('call lanes', () => {
  it('send together what one turn adds, and while that is under way gather the next batch', async () => {
    const harness = new Harness();
    harness.add('a', '123');
    await turn();
    harness.add('a', '4');
    await turn();
    harness.add('a', '56');
    await turn();
    expect(harness.batches).toEqual([['1', '2', '3']]);
    await harness.answer();
    expect(harness.batches.slice(1)).toEqual([['4', '5', '6']]);
  });

  it('do not wait for each other', async () => {
    const harness = new Harness();
    harness.add('a', '1');
    harness.add('b', '2');
    await turn();
    expect(harness.batches).toEqual([['1'], ['2']]);
  });

  it('keep batches within their number of calls and bytes, but for a single call that is larger', async () => {
    const harness = new Harness({ maxBatchCalls: 2, maxBatchBytes: 10 });
    harness.add('a', '123');
    harness.add('a', '456', 6);
    harness.add('a', '7', 50);
    harness.add('a', '8');
    await turn();
    for (let i = 0; i < 6; i += 1) await harness.answer();
    expect(harness.batches.map((batch) => batch.join(''))).toEqual(['12', '34', '5', '6', '7', '8']);
  });

  it('refuse what there is no room for, until answers make some', async () => {
    const harness = new Harness({ maxCalls: 3, maxBytes: 10 });
    harness.add('a', '12', 4);
    expect(() => harness.add('b', 'x', 3)).toThrow(expect.objectContaining({ name: 'QUEUE_FULL', retryable: true }));
    harness.add('b', '3');
    expect(() => harness.add('b', 'x')).toThrow(expect.objectContaining({ name: 'QUEUE_FULL' }));
    expect(harness.lanes.size).toBe(3);
    await turn();
    await harness.answer();
    harness.add('a', '45', 4);
    expect(harness.lanes.size).toBe(3);
  });

  it('are drained when everything was answered, and keep nothing', async () => {
    const harness = new Harness();
    await harness.lanes.drained();
    harness.add('a', '1');
    let drained = false;
    const draining = harness.lanes.drained().then(() => {
      drained = true;
    });
    await turn();
    harness.add('a', '2');
    await harness.answer();
    expect(drained).toBe(false);
    await harness.answer();
    await draining;
    expect(harness.lanes.size).toBe(0);
  });
});
