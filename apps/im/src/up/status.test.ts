import { describe, expect, it } from 'vitest';
import { readFigures } from './figure-text.js';
import { type Role, statusOf } from './status.js';
import { statusText } from './status-text.js';

type State = Parameters<typeof statusOf>[0]['processes'][number]['child']['state'];

const NOW = Date.parse('2026-01-01T00:01:00Z');

/** @param lines of Prometheus text, at both moments unless there are two */
function observed(name: string, role: Role, lines: readonly string[] | undefined, state: State = 'running') {
  const [before, after] = lines === undefined ? [] : [lines[0] ?? '', lines.at(-1) ?? ''];
  const child = { name, state, pid: 7, readySince: state === 'running' ? NOW - 30_000 : undefined, restarts: 0 };
  return {
    ...{ role, child },
    before: before === undefined ? undefined : readFigures(before),
    after: after === undefined ? undefined : readFigures(after),
  };
}

const status = (...processes: ReturnType<typeof observed>[]) =>
  statusOf({ engine: 'zeromq', pid: 1, sinceMs: NOW - 60_000, elapsedMs: 500, processes });

describe('the figures of a process', () => {
  it('are levels of now and rates of the time in between, of what has not been counted 0', () => {
    const before = 'im_groups_deliveries_total{lane="normal"} 10\nim_gateway_connections 1';
    const after = [
      'im_groups_deliveries_total{lane="normal"} 20',
      'im_groups_deliveries_total{lane="priority"} 5',
      'im_gateway_connections 3',
      'im_process_event_loop_lag_seconds{quantile="0.5"} 0.5',
      'im_process_event_loop_lag_seconds{quantile="0.99"} 0.012',
    ].join('\n');
    const { processes } = status(observed('gateway-1', 'gateway', [before, after]));
    expect(processes[0]?.figures).toEqual({
      ...{ cpu: 0, connections: 3, messagesPerSecond: 30, callsPerSecond: 0, lagMs: 12 },
    });
  });

  it('never fall below 0 when the process was started anew in between', () => {
    const { processes } = status(
      observed('worker-1', 'worker', ['im_process_cpu_seconds 9', 'im_process_cpu_seconds 1']),
    );
    expect(processes[0]?.figures.cpu).toBe(0);
  });
});

describe('health', () => {
  const problems = (...processes: ReturnType<typeof observed>[]) => status(...processes).problems;
  const node = observed('node-1', 'broadcast-node', ['']);

  it('is well when everything runs and nothing is away', () => {
    const gateway = observed('gateway-1', 'gateway', ['im_broadcast_nodes 1\nim_redis_available{client="a"} 1']);
    const silent = [observed('redis', 'redis', undefined), observed('bots', 'bots', undefined)];
    const told = status(...silent, node, gateway);
    expect([told.healthy, told.problems, told.topology]).toEqual([true, [], undefined]);
  });

  it.each([
    [
      'a process that waits for its next start',
      observed('a', 'worker', undefined, 'waiting'),
      'a is dead: it is started again in a moment',
    ],
    ['one that does not answer', observed('a', 'worker', undefined), 'a does not answer'],
    ['Redis away', observed('a', 'worker', ['im_redis_available{client="x"} 0']), 'a has no Redis'],
    ['nodes out of reach', observed('a', 'gateway', ['im_broadcast_nodes 0']), 'a reaches 0 of 1 broadcast nodes'],
    [
      'nodes out of reach where bridges of another cell are in reach',
      observed('a', 'gateway', ['im_broadcast_nodes 0\nim_broadcast_nodes{from="b"} 2']),
      'a reaches 0 of 1 broadcast nodes',
    ],
    [
      'rooms in memory',
      observed('a', 'broadcast-node', ['im_timeline_standing_in 1']),
      'a keeps rooms in memory: their store is away',
    ],
    ['a manager that hears too few', observed('m', 'manager', ['im_cluster_nodes 0']), 'm hears 0 of 1 processes'],
    [
      'losses held back',
      observed('m', 'manager', ['im_cluster_nodes 1\nim_cluster_held_back_nodes 2']),
      'm holds back the loss of 2 nodes: see /v1/journal',
    ],
    [
      'refused nodes',
      observed('m', 'manager', ['im_cluster_nodes 1\nim_cluster_refused_nodes 1']),
      'm refuses 1 nodes: see /v1/journal',
    ],
  ])('names %s', (_, process, problem) => {
    expect(problems(node, process)).toEqual([problem]);
  });

  it('takes one that is being replaced for well', () => {
    expect(problems(observed('worker-1', 'worker', [''], 'replacing'))).toEqual([]);
  });
});

it('is a table for people, with what is not well above it', () => {
  const manager = observed('manager-1', 'manager', [
    'im_cluster_nodes 1\nim_cluster_epoch 4\nim_process_resident_bytes 1048576',
  ]);
  const text = statusText(status(manager, observed('worker-1', 'worker', undefined, 'waiting')), NOW, false);
  expect(text.split('\n')).toEqual([
    'im up, process 1, up 1m 0s; engine zeromq; topology 4, 1 nodes; 1 problem',
    '! worker-1 is dead: it is started again in a moment',
    '',
    'PROCESS    STATE    PID  UP   RESTARTS  CPU  MEMORY  LAG  ADDRESS  DOES',
    'manager-1  running  7    30s  0         0%   1 MiB                 1 nodes',
    'worker-1   waiting  7         0',
    '',
  ]);
});
