/** Publishes on the normal lane; waits for the last of a batch, which is accepted after all others. */
import { createZeromqBroadcast, type NodeAddresses } from '@im/broadcast/zeromq';
import { createMetrics } from '@im/runtime';
import { runPublisher } from '../../src/bus/publisher-process.js';
import { reached } from '../../src/harness/part.js';

const NONE = { acknowledge: 'none' } as const;

const broadcast = createZeromqBroadcast({ nodes: [reached<NodeAddresses>()], metrics: createMetrics() });
const ready = broadcast.ready(10_000);
const publisher = broadcast.createPublisher();

runPublisher({
  async publish(groups, body) {
    await ready;
    const publication = { lane: 'normal', event: 'chat', body, time: Date.now() } as const;
    const last = groups.length - 1;
    for (let at = 0; at < last; at++) void publisher.publish(groups[at] as string, publication, NONE);
    await publisher.publish(groups[last] as string, publication);
  },
});
