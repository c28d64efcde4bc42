/** Publishes on the normal lane; when the bus takes no more, waits a moment. */
import { setTimeout as pause, setImmediate } from 'node:timers/promises';
import { createZeromqBroadcast, type NodeAddresses } from '@im/broadcast/zeromq';
import { createMetrics } from '@im/runtime';
import { runPublisher } from '../../src/bus/publisher-process.js';
import { reached } from '../../src/harness/part.js';

/** What waits in front of the socket: enough to keep it busy. */
const MAX_WAITING_BYTES = 2_097_152;
const NONE = { acknowledge: 'none' } as const;

const broadcast = createZeromqBroadcast({
  ...{ nodes: [reached<NodeAddresses>()], maxLaneBytes: MAX_WAITING_BYTES, metrics: createMetrics() },
});
const ready = broadcast.ready(10_000);
const publisher = broadcast.createPublisher();

runPublisher({
  async publish(groups, body) {
    await ready;
    const publication = { lane: 'normal', event: 'chat', body, time: Date.now() } as const;
    let isTaken = true;
    const refused = (): void => {
      isTaken = false;
    };
    let last: Promise<unknown> | undefined;
    for (const group of groups) {
      const published = publisher.publish(group, publication, NONE);
      // What is taken at once is one promise for all that follow each other in a group.
      if (published !== last) published.catch(refused);
      last = published;
    }
    await Promise.resolve();
    await (isTaken ? setImmediate() : pause(1));
  },
});
