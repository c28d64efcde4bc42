/** The broker, figures on. */
import { createZeromqBroker } from '@im/rpc/zeromq';
import { createMetrics } from '@im/runtime';
import { announcePart } from '../../src/harness/part.js';

const ANY_PORT = 'tcp://127.0.0.1:*';

const { callersAddress, workersAddress } = await createZeromqBroker({
  ...{ callers: ANY_PORT, workers: ANY_PORT },
  metrics: createMetrics(),
});
announcePart({ callers: callersAddress, workers: workersAddress });
