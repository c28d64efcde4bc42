import { describeBroadcastContract } from '../testing/broadcast-contract.js';
import { createZeromqBroadcast } from './zeromq-broadcast.js';
import { createZeromqNode } from './zeromq-node.js';

describeBroadcastContract('zeromq', async ({ sequencer, clock }) => {
  const node = await createZeromqNode({ id: 'n1', sequencer, clock });
  const broadcast = createZeromqBroadcast({ nodes: [node.addresses] });
  await broadcast.ready(5_000);
  return {
    createPublisher: () => broadcast.createPublisher(),
    createSubscriber: (handlers) => broadcast.createSubscriber(handlers),
    close: async () => {
      await broadcast.close();
      await node.close();
    },
  };
});
