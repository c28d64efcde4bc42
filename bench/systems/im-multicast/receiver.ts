/** What comes to a gateway on which all the users are. */
import { createZeromqBroadcast, type NodeAddresses } from '@im/broadcast/zeromq';
import { createMetrics } from '@im/runtime';
import { obeyParent } from '../../src/harness/obey-parent.js';
import { reached } from '../../src/harness/part.js';
import { type Done, type ReceiverCommand, userNames } from '../../src/multicast/multicast-commands.js';

const broadcast = createZeromqBroadcast({ nodes: [reached<NodeAddresses>()], metrics: createMetrics() });
let messages = 0;
let expected = Number.POSITIVE_INFINITY;
let arrived: (() => void) | undefined;
let failed: ((error: Error) => void) | undefined;

const subscriber = broadcast.createSubscriber({
  onDelivery() {
    messages += 1;
    if (messages >= expected) arrived?.();
  },
  // A gateway would pull it from the log, which costs what is not counted here.
  onRestored: () => failed?.(new Error('something was lost on the way')),
});

obeyParent(async (command: ReceiverCommand): Promise<Done> => {
  if (command.do === 'subscribe') {
    for (const user of userNames(command.users)) subscriber.subscribe(`u:${user}`);
    await subscriber.settled();
    return { messages };
  }
  await new Promise<void>((resolve, reject) => {
    arrived = resolve;
    failed = reject;
    expected = command.messages;
    if (messages >= expected) resolve();
  });
  messages -= command.messages;
  expected = Number.POSITIVE_INFINITY;
  return { messages };
});
