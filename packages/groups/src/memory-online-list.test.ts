import { RecordingMetrics } from '@im/protocol/testing';
import { expect, it } from 'vitest';
import { createMemoryOnlineList } from './memory-online-list.js';
import { describeOnlineListContract } from './testing/index.js';

describeOnlineListContract('memory', () =>
  Promise.resolve({
    list: createMemoryOnlineList(),
    settled: () => Promise.resolve(),
    close: () => Promise.resolve(),
  }),
);

const ann = { user: 'ann', attributes: {}, sinceMs: 1 };
const bob = { user: 'bob', attributes: {}, sinceMs: 1 };

it('does not list sessions beyond its bound, counts them, and has room again when others leave', async () => {
  const metrics = new RecordingMetrics();
  const list = createMemoryOnlineList({ maxSessions: 2, metrics });
  list.enter('r:1', 's1', ann);
  list.enter('r:2', 's1', ann);
  list.enter('r:1', 's1', ann);
  list.enter('r:1', 's2', bob);
  expect(await list.count('r:1')).toBe(1);
  expect(metrics.value('im_groups_online_refused_total')).toBe(1);
  list.leave('r:2', 's1');
  list.enter('r:1', 's2', bob);
  expect(await list.count('r:1')).toBe(2);
  expect(metrics.value('im_groups_online_sessions')).toBe(2);
});

it('keeps nothing of sessions that left', () => {
  const metrics = new RecordingMetrics();
  const list = createMemoryOnlineList({ metrics });
  for (let i = 0; i < 1_000; i += 1) list.enter('r:1', `s${i}`, { ...ann, user: `user${i % 300}` });
  for (let i = 0; i < 1_000; i += 1) list.leave('r:1', `s${i}`);
  list.leave('r:1', 's0');
  expect(metrics.value('im_groups_online_sessions')).toBe(0);
});
