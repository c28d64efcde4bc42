/** A broadcast node, figures on, rooms in memory. */
import { createZeromqNode } from '@im/broadcast/zeromq';
import { createMetrics } from '@im/runtime';
import { createMemoryLogStore } from '@im/timeline/memory';
import { announcePart } from '../../src/harness/part.js';

const { addresses } = await createZeromqNode({
  ...{ id: 'node-1', sequencer: createMemoryLogStore(), metrics: createMetrics() },
});
announcePart(addresses);
