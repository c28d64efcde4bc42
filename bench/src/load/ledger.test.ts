import { expect, it } from 'vitest';
import { Ledger } from './ledger.js';

const message = (number: number, lane: 'normal' | 'priority' = 'normal') => ({ lane, number, madeAtUs: 1_000 });

it('counts what is missing and what comes twice or late, for each viewer and lane', () => {
  const ledger = new Ledger();
  ledger.read(1, [message(5), message(6), message(9), message(9), message(8)], 3_500);
  ledger.read(2, [message(20), message(1, 'priority'), message(21), message(3, 'priority')], 3_500);
  const { missing, disordered } = ledger.snapshot();
  expect(missing).toEqual({ normal: 2, priority: 1 });
  expect(disordered).toEqual({ normal: 2, priority: 0 });
});

it('gives latencies once', () => {
  const ledger = new Ledger();
  ledger.read(1, [message(1), message(2, 'priority')], 3_500);
  expect(ledger.snapshot().latenciesMs).toEqual({ normal: [2.5], priority: [2.5] });
  expect(ledger.snapshot().latenciesMs).toEqual({ normal: [], priority: [] });
});
