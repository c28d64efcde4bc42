/** Serves notes: input and output checked by zod, calls measured. */
import { implementService, measureCalls } from '@im/rpc';
import { createZeromqRpc } from '@im/rpc/zeromq';
import { createMetrics } from '@im/runtime';
import { announcePart, reached } from '../../src/harness/part.js';
import { type Addresses, notes } from './notes.js';

/** All that the widest workload keeps in flight. */
const CONCURRENCY = 1_024;

const metrics = createMetrics();
const rpc = createZeromqRpc({ brokers: [reached<Addresses>()] });
await rpc.createWorker().serve(
  implementService(
    notes,
    { echo: (note) => note },
    {
      version: '1',
      concurrency: CONCURRENCY,
      middleware: [measureCalls({ metrics, side: 'worker' })],
    },
  ),
);
announcePart();
