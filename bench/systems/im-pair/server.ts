/**
 * `im-pair`: two gateways in one process, with all that they need. `drain` on standard input has the first send its clients to the second,
 * and is answered when the drain is over.
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { announce } from '../../peers/server-process.js';
import { compose } from '../im/composition.js';

const { windowMs } = JSON.parse(process.argv[2] ?? '{}') as { windowMs: number };
const { addGateway, token, figures } = await compose();
const next = addGateway('next');
next.server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 });
await once(next.server, 'listening');
const nextAddress = (): string => `ws://127.0.0.1:${(next.server.address() as AddressInfo).port}/`;
const { gateway, server } = addGateway('drained');

async function drain(): Promise<object> {
  await gateway.drain({ windowMs, nextAddress });
  return { left: gateway.connections };
}

announce(server, { token }, { figures, questions: { drain } });
