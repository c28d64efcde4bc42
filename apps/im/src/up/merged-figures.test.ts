import { createMetrics } from '@im/runtime';
import { expect, it } from 'vitest';
import { mergeFigures } from './merged-figures.js';

it('keeps the lines of each figure together, and says of which process they are', () => {
  const [one, two] = [createMetrics(), createMetrics()];
  for (const metrics of [one, two]) {
    metrics.counter('im_a_total', { help: 'A', labels: { x: 'a } "b' } }).add(2);
    metrics.histogram('im_b_ms', { help: 'B', buckets: [1] }).observe(3);
  }
  two.gauge('im_c', { help: 'C' }).set(1);
  const merged = mergeFigures(
    new Map([
      ['worker-1', one.render()],
      ['worker-2', two.render()],
    ]),
  );
  const lines = merged.split('\n').filter((line) => line !== '' && !line.includes('im_runtime'));
  expect(lines).toEqual([
    '# HELP im_a_total A',
    '# TYPE im_a_total counter',
    'im_a_total{process="worker-1",x="a } \\"b"} 2',
    'im_a_total{process="worker-2",x="a } \\"b"} 2',
    '# HELP im_b_ms B',
    '# TYPE im_b_ms histogram',
    ...['worker-1', 'worker-2'].flatMap((process) => [
      `im_b_ms_bucket{process="${process}",le="1"} 0`,
      `im_b_ms_bucket{process="${process}",le="+Inf"} 1`,
      `im_b_ms_sum{process="${process}"} 3`,
      `im_b_ms_count{process="${process}"} 1`,
    ]),
    '# HELP im_c C',
    '# TYPE im_c gauge',
    'im_c{process="worker-2"} 1',
  ]);
});
