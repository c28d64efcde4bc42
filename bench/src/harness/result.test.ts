import { expect, it } from 'vitest';
import { formatResult } from './result.js';

const machine = { cpu: 'CPU', cores: 2, memoryGb: 8, system: 'Linux', node: 'v20', pinned: true, loadBefore: 0.1 };

it('prints a line a system, a dash for what it has not, and who is missing', () => {
  const text = formatResult({
    ...{ workload: 'W1', machine, runs: 3, missing: [{ name: 'nats', reason: 'not installed' }] },
    systems: [
      { name: 'im', figures: { cpuUsPerDelivery: 0.91234, priorityP99Ms: 4, deliveriesPerSecond: 3_000_000.4 } },
      { name: 'ws', figures: { cpuUsPerDelivery: 7.9 } },
    ],
  });
  expect(text.split('\n').slice(1)).toEqual([
    'system  cpuUsPerDelivery  priorityP99Ms  deliveriesPerSecond',
    'im                 0.912              4            3,000,000',
    'ws                  7.90              –                    –',
    'nats: missing, not installed',
  ]);
  expect(text).not.toContain('PROVISIONAL');
});

it('says when the machine was at work', () => {
  const result = { workload: 'W1', machine: { ...machine, loadBefore: 0.7 }, runs: 1, systems: [], missing: [] };
  expect(formatResult(result)).toContain('PROVISIONAL');
});

it('prints a line a figure where there are many', () => {
  const figures = Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`figure${i}`, i]));
  const systems = [
    { name: 'im', figures },
    { name: 'nats', figures: { figure1: 7 } },
  ];
  const lines = formatResult({ workload: 'W4', machine, runs: 1, systems, missing: [] }).split('\n').slice(1);
  expect(lines.slice(0, 3)).toEqual(['system    im  nats', 'figure0    0     –', 'figure1    1     7']);
  expect(lines).toHaveLength(14);
});
