/** `im broadcast-node`: one broadcast node with the logs, as a process of its own. */
import { ImError } from '@im/protocol';
import { setting, systemClock } from '@im/runtime';
import { z } from 'zod';
import { nodeAddress, nodeAddressesOf } from '../bus/node-address.js';
import { CommandError, defineCommand } from '../command.js';
import { runRole } from '../role.js';
import { brokerSettings } from '../rpc/broker-place.js';
import { dataFolder, loggingSettings, processName, redis } from '../settings.js';

export const broadcastNodeSettings = {
  listen: setting(nodeAddress.default('node-1@tcp://127.0.0.1:7501'), {
    description: 'its name, and the first of its four ports; or a path, beside which its sockets are',
    placeholder: 'address',
  }),
  ...brokerSettings,
  insecure: setting(z.boolean().default(false), {
    description: 'listen to other hosts without keys: whoever reaches the ports may publish and read everything',
  }),
  dataFolder,
  redis,
  processName,
  ...loggingSettings,
};

export const broadcastNode = defineCommand({
  name: 'broadcast-node',
  summary: 'one broadcast node, and the logs that it writes',
  settings: broadcastNodeSettings,
  examples: [
    ['im broadcast-node --data /var/lib/im', 'at ports 7501 to 7504 of this host, with the broker of im up'],
    ['im broadcast-node --listen a@tcp://10.0.0.5:7501 --broker tcp://10.0.0.6:7401', 'for other hosts'],
  ],
  run: (config, environment) =>
    runRole('broadcast-node', config, environment, async ({ logger, metrics, shutdown }) => {
      const [{ createZeromqNode }, { guardNode }, { openNodeLogs }] = await Promise.all([
        import('@im/broadcast/zeromq'),
        import('../bus/guarded-context.js'),
        import('../server/node-logs.js'),
      ]);
      const ports = { clock: systemClock, logger, metrics };
      const logs = await openNodeLogs(config, ports, shutdown);
      const guarded = await guardNode(config.keysFolder);
      shutdown.add({ name: 'keys', stop: () => guarded.close() });
      const { insecure } = config;
      const { keys, context } = guarded;
      try {
        const node = await createZeromqNode({
          ...nodeAddressesOf(config.listen),
          ...{ sequencer: logs.log, keys, context, insecure },
          ...ports,
        });
        shutdown.add({ name: 'node', stop: () => node.close() });
      } catch (error) {
        if (!(error instanceof ImError)) throw error;
        throw new CommandError(`${error.message} (--listen, --keys, --insecure)`, undefined, { cause: error });
      }
      await logs.serve();
      return { node: config.listen, logs: logs.place };
    }),
});
