/** Counts deliveries, as a gateway gets them. */
import { createZeromqBroadcast, type NodeAddresses } from '@im/broadcast/zeromq';
import { createMetrics } from '@im/runtime';
import { runSubscriber } from '../../src/bus/subscriber-process.js';
import { reached } from '../../src/harness/part.js';

const broadcast = createZeromqBroadcast({ nodes: [reached<NodeAddresses>()], metrics: createMetrics() });

runSubscriber((sink) => {
  const subscriber = broadcast.createSubscriber({
    onDelivery: ({ body, lane }) => (lane === 'priority' ? sink.takeGift(body) : sink.take(body)),
    onLoss: (_, count = 1) => sink.lose(count),
  });
  return {
    async subscribe(groups) {
      for (const group of groups) subscriber.subscribe(group);
      await subscriber.settled();
    },
  };
});
