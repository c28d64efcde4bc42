/** A Moleculer node on the bench's NATS server, as its documentation sets one up. */
import { ServiceBroker } from 'moleculer';
import { reached } from '../../src/harness/part.js';

export function createNode(nodeID: string): ServiceBroker {
  const { port } = reached<{ port: number }>();
  return new ServiceBroker({
    ...{ nodeID, logger: false, metrics: false, requestTimeout: 10_000 },
    transporter: { type: 'NATS', options: { servers: [`127.0.0.1:${port}`] } },
  });
}
