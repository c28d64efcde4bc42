/** `im broadcast-node`: one broadcast node with the logs, as a process of its own. */
import type { ClusterMember } from '@im/cluster/zeromq';
import { type Config, setting, systemClock } from '@im/runtime';
import { z } from 'zod';
import { nodeAddress, nodeAddressesOf } from '../bus/node-address.js';
import { clusterSettings } from '../cluster/cluster-place.js';
import { CommandError, defineCommand, namingFlags } from '../command.js';
import { adminPortSettings } from '../http/admin-port.js';
import { ownVersion } from '../own-version.js';
import { type Role, runRole } from '../role.js';
import { brokerSettings } from '../rpc/broker-place.js';
import { dataFolder, loggingSettings, processName, redis } from '../settings.js';

export const broadcastNodeSettings = {
  listen: setting(nodeAddress.default('node-1@tcp://127.0.0.1:7501'), {
    description: 'its name, and the first of its four ports; or a path, beside which its sockets are',
    placeholder: 'address',
  }),
  ...brokerSettings,
  ...clusterSettings,
  insecure: setting(z.boolean().default(false), {
    description: 'listen to other hosts without keys: whoever reaches the ports may publish and read everything',
  }),
  dataFolder,
  redis,
  ...adminPortSettings,
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
    runRole('broadcast-node', config, environment, async (role) => {
      const { logger, metrics, shutdown } = role;
      const [{ createZeromqNode }, { guardNode }, { openNodeLogs }] = await Promise.all([
        import('@im/broadcast/zeromq'),
        import('../bus/guarded-context.js'),
        import('../server/node-logs.js'),
      ]);
      const ports = { clock: systemClock, logger, metrics };
      const member = await openCluster(config, role);
      const logs = await openNodeLogs(config, ports, shutdown);
      const guarded = await guardNode(config.keysFolder);
      shutdown.add({ name: 'keys', stop: () => guarded.close() });
      const { insecure } = config;
      const { keys, context } = guarded;
      const addresses = nodeAddressesOf(config.listen);
      const node = await createZeromqNode({
        ...addresses,
        ...{ sequencer: logs.log, keys, context, insecure },
        ...ports,
      }).catch(namingFlags('--listen, --keys, --insecure'));
      shutdown.add({ name: 'node', stop: () => node.close() });
      await logs.serve();
      if (member !== undefined) {
        const { addressesOfBroadcastNode, BROADCAST_ROLE } = await import('@im/cluster');
        const { id } = addresses;
        const version = ownVersion();
        member.announce({ id, role: BROADCAST_ROLE, version, addresses: addressesOfBroadcastNode(addresses) });
        const { leaveTopology } = await import('../cluster/leave-topology.js');
        shutdown.add({ name: 'leaving', stop: () => leaveTopology({ member, id, clock: systemClock }) });
      }
      return { node: config.listen, logs: logs.place };
    }),
});

/** @throws CommandError where another node is, and the logs of this one are its own: a log has one writer */
async function openCluster(
  { listen, manager, redis, keysFolder }: Config<typeof broadcastNodeSettings>,
  role: Role,
): Promise<ClusterMember | undefined> {
  if (manager.length === 0) return undefined;
  const [{ broadcastNodes }, { openMembership }, { readPeerKeys }] = await Promise.all([
    import('@im/cluster'),
    import('../cluster/membership.js'),
    import('../rpc/key-files.js'),
  ]);
  const keys = keysFolder === undefined ? undefined : await readPeerKeys(keysFolder);
  const member = await openMembership({ managers: manager, keys, ...role });
  const { id } = nodeAddressesOf(listen);
  const other = broadcastNodes(member).nodes.find((node) => node.id !== id);
  if (redis !== undefined || other === undefined) return member;
  throw new CommandError(`broadcast node ${other.id} is there already: several need their logs in one store (--redis)`);
}
