/** `im broker`: one broker, as a process of its own. */
import { type Config, setting } from '@im/runtime';
import { z } from 'zod';
import { clusterSettings } from '../cluster/cluster-place.js';
import { nodeName } from '../cluster/node-name.js';
import { defineCommand, namingFlags } from '../command.js';
import { adminPortSettings } from '../http/admin-port.js';
import { ownVersion } from '../own-version.js';
import { type Role, runRole } from '../role.js';
import { brokerAddress, portsOf } from '../rpc/broker-address.js';
import { keysFolder } from '../rpc/broker-place.js';
import { dataFolder, loggingSettings, processName } from '../settings.js';

export const brokerRoleSettings = {
  listen: setting(brokerAddress.default('tcp://127.0.0.1:7401'), {
    description: 'where callers connect; workers one port above, or at the socket beside',
    placeholder: 'address',
  }),
  keysFolder,
  ...clusterSettings,
  insecure: setting(z.boolean().default(false), {
    description: 'listen to other hosts without keys: whoever reaches the port may call and serve',
  }),
  dataFolder: { ...dataFolder, description: 'folder with the token for its figures' },
  ...adminPortSettings,
  processName,
  ...loggingSettings,
};

export const broker = defineCommand({
  name: 'broker',
  summary: 'one broker between callers and workers',
  settings: brokerRoleSettings,
  examples: [
    ['im broker', 'for callers at port 7401 and workers at port 7402 of this host'],
    ['im broker --listen tcp://10.0.0.5:7401 --keys /etc/im/keys', 'for other hosts'],
  ],
  run: (config, environment) =>
    runRole('broker', config, environment, async (role) => {
      const { logger, metrics, shutdown } = role;
      const { createZeromqBroker } = await import('@im/rpc/zeromq');
      const { readBrokerKeys } = await import('../rpc/key-files.js');
      const { listen, keysFolder, insecure } = config;
      const keys = keysFolder === undefined ? undefined : await readBrokerKeys(keysFolder);
      const running = await createZeromqBroker({ ...portsOf(listen), keys, insecure, logger, metrics }).catch(
        namingFlags('--listen, --keys, --insecure'),
      );
      shutdown.add({ name: 'broker', stop: () => running.close() });
      const addresses = { callers: running.callersAddress, workers: running.workersAddress };
      await joinCluster(config, addresses, role);
      return addresses;
    }),
});

/** Others are told of it; it needs nobody. */
async function joinCluster(
  { manager, keysFolder, processName = 'broker' }: Config<typeof brokerRoleSettings>,
  addresses: Readonly<Record<string, string>>,
  role: Role,
): Promise<void> {
  if (manager.length === 0) return;
  const [{ joinMembership }, { readPeerKeys }] = await Promise.all([
    import('../cluster/membership.js'),
    import('../rpc/key-files.js'),
  ]);
  const keys = keysFolder === undefined ? undefined : await readPeerKeys(keysFolder);
  const member = joinMembership({ managers: manager, keys, ...role });
  // One of a name on each host: what listens at the same place is the same broker.
  const id = nodeName(processName);
  member.announce({ id, role: 'broker', version: ownVersion(), addresses });
}
