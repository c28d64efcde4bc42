/**
 * `im-redis`: one of several gateways, their logs and bus in Redis. Told `drain` and where to, on standard input, it sends its clients there, and
 * answers when the drain is over.
 */
import { announce } from '../../peers/server-process.js';
import { compose, onRedis } from '../im/composition.js';

const { node, redis, ticketSecret } = JSON.parse(process.argv[2] ?? '{}') as Record<'node' | 'ticketSecret', string> & {
  readonly redis: number;
};
const ticketKeys = [{ id: 'k1', secret: ticketSecret }];
const { gateway, server, token, figures } = await compose(node, await onRedis(redis), { ticketKeys });

/** @param address of the gateway that clients go to */
async function drain(windowMs: string, address: string): Promise<object> {
  await gateway.drain({ windowMs: Number(windowMs), nextAddress: () => address });
  return { left: gateway.connections };
}

announce(server, { token }, { figures, questions: { drain } });
