/** `im broadcast-node`: one broadcast node with the logs, as a process of its own. */
import path from 'node:path';
import { ImError } from '@im/protocol';
import { openDataFolder, setting, systemClock } from '@im/runtime';
import { z } from 'zod';
import { nodeAddress, nodeAddressesOf } from '../bus/node-address.js';
import { CommandError, defineCommand } from '../command.js';
import { ownVersion } from '../own-version.js';
import { runRole } from '../role.js';
import { brokerSettings, expectBrokers, findBrokers } from '../rpc/broker-place.js';
import { dataFolder, loggingSettings, processName } from '../settings.js';

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
      const [{ createZeromqNode }, { openLogs }, { serveLog }, { createZeromqRpc }] = await Promise.all([
        import('@im/broadcast/zeromq'),
        import('../server/engines.js'),
        import('../relay/serve-log.js'),
        import('@im/rpc/zeromq'),
      ]);
      const { guardNode } = await import('../bus/guarded-context.js');
      const ports = { clock: systemClock, logger, metrics };
      const { names, place } = await findBrokers(config);
      const folder = await openDataFolder(config.dataFolder);
      shutdown.add({ name: 'data folder', stop: () => folder.close() });
      // Whoever supervises starts the node again, and that opens the store again.
      const onFailed = (): void => void shutdown.stop('the store failed', 1);
      const log = await openLogs({ path: folder.file('log'), onFailed }, ports);
      shutdown.add({ name: 'logs', stop: () => log.close() });
      const rpc = createZeromqRpc({ ...place, clock: systemClock, logger });
      shutdown.add({ name: 'rpc', stop: () => rpc.close() });
      const guarded = await guardNode(config.keysFolder);
      shutdown.add({ name: 'keys', stop: () => guarded.close() });
      const { insecure } = config;
      const { keys, context } = guarded;
      try {
        const node = await createZeromqNode({
          ...nodeAddressesOf(config.listen),
          ...{ sequencer: log, keys, context, insecure },
          ...ports,
        });
        shutdown.add({ name: 'node', stop: () => node.close() });
      } catch (error) {
        if (!(error instanceof ImError)) throw error;
        throw new CommandError(`${error.message} (--listen, --keys, --insecure)`, undefined, { cause: error });
      }
      const serving = serveLog({ worker: rpc.createWorker(), log, version: ownVersion() });
      const served = await expectBrokers(names, logger, serving);
      shutdown.add({ name: 'log readers', stop: () => served.close() });
      return { node: config.listen, data: path.resolve(config.dataFolder), brokers: names };
    }),
});
