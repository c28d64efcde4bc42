import { describeBroadcastContract } from '../testing/broadcast-contract.js';
import { createZeromqBridge, createZeromqBridges } from './zeromq-bridge.js';
import { createZeromqBroadcast } from './zeromq-broadcast.js';
import { createZeromqNode } from './zeromq-node.js';

describeBroadcastContract('zeromq, over a bridge to another cell', async ({ sequencer, clock }) => {
  const node = await createZeromqNode({ id: 'n1', sequencer, clock });
  const home = createZeromqBroadcast({ nodes: [node.addresses] });
  const bridge = await createZeromqBridge({ id: 'b1', home, isHome: () => true });
  const bridges = createZeromqBridges({ bridges: [bridge.addresses] });
  await bridges.ready(5_000);
  return {
    createPublisher: () => bridges.createPublisher(),
    createSubscriber: (handlers) => bridges.createSubscriber(handlers),
    close: async () => {
      await bridges.close();
      await bridge.close();
      await home.close();
      await node.close();
    },
  };
});
