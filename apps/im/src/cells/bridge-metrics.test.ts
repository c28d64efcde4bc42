import { createZeromqBroadcast } from '@im/broadcast/zeromq';
import { createMetrics } from '@im/runtime';
import { expect, it } from 'vitest';
import { bridgeMetrics } from './bridge-metrics.js';

it('keeps bridges in reach apart from nodes in reach, and leaves all other figures as they are', async () => {
  const metrics = createMetrics();
  const buses = [metrics, bridgeMetrics(metrics, 'b')].map((one) => createZeromqBroadcast({ nodes: [], metrics: one }));
  const text = metrics.render();
  expect(text).toMatch(/^im_broadcast_nodes 0$/m);
  expect(text).toMatch(/^im_broadcast_nodes\{from="b"\} 0$/m);
  expect(text.match(/from="b"/g)).toHaveLength(1);
  await Promise.all(buses.map((bus) => bus.close()));
});
