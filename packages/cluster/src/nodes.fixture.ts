/** Nodes and heartbeats for tests. */
import type { NodeInfo } from '@im/protocol/ports';
import type { Heartbeat } from './heartbeat.js';

export function nodeOf(id: string, changes: Partial<NodeInfo> = {}): NodeInfo {
  return {
    id,
    incarnation: `${id}-1`,
    role: 'gateway',
    version: '1.0.0',
    addresses: { ws: `ws://${id}.test/` },
    labels: {},
    weight: 1,
    load: 0,
    draining: false,
    startedAt: 1_790_000_000_000,
    ...changes,
  };
}

export function heartbeatOf(node: NodeInfo, changes: Partial<Heartbeat> = {}): Heartbeat {
  return { kind: 'heartbeat', node, figures: {}, intervalMs: 1_000, epoch: 0, ...changes };
}
