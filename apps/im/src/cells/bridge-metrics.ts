/** Owns: keeping bridges in reach apart from the broadcast nodes of this cell in the figures of a process. */
import type { Metrics } from '@im/protocol/ports';

const NODES = 'im_broadcast_nodes';

/** For the buses to the bridges from a cell: to them those are nodes. */
export function bridgeMetrics(metrics: Metrics, from: string): Metrics {
  return {
    ...metrics,
    observe: (name, options, read) =>
      metrics.observe(name, name === NODES ? { ...options, labels: { ...options.labels, from } } : options, read),
  };
}
