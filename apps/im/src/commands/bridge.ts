/** `im bridge`: brings the groups of one cell to the gateways and workers of another, as a process of its own. */
import { type Config, ConfigError, setting, systemClock } from '@im/runtime';
import { z } from 'zod';
import { nodeAddress, nodeAddressesOf } from '../bus/node-address.js';
import { findNodes } from '../bus/node-place.js';
import { logsAtHome, recordsAtHome } from '../cells/at-home.js';
import { cellName, homeRules, readHomes } from '../cells/cell-place.js';
import { managerAddress } from '../cluster/manager-address.js';
import { defineCommand, namingFlags } from '../command.js';
import { adminPortSettings } from '../http/admin-port.js';
import { ownVersion } from '../own-version.js';
import { type Role, runRole } from '../role.js';
import { brokerAddress } from '../rpc/broker-address.js';
import { type BrokerPlace, brokerSettings, expectBrokers, findBrokers } from '../rpc/broker-place.js';
import { dataFolder, loggingSettings, processName, redis } from '../settings.js';

const bridgeSettings = {
  from: setting(cellName, { description: 'the cell from which it brings groups: their home', placeholder: 'cell' }),
  to: setting(cellName, { description: 'the cell whose gateways and workers it serves', placeholder: 'cell' }),
  homes: setting(homeRules, {
    description: 'the home of each group, the same in all cells; the first that fits counts, the last is *=<cell>',
    placeholder: 'rules',
  }),
  listen: setting(nodeAddress.default('bridge-1@tcp://127.0.0.1:7801'), {
    description: 'its name, and the first of its four ports; or a path, beside which its sockets are',
    placeholder: 'address',
  }),
  ...brokerSettings,
  insecure: setting(z.boolean().default(false), {
    description: 'listen to other hosts without keys: whoever reaches the ports may publish and read everything',
  }),
  dataFolder: { ...dataFolder, description: 'of `im up` in the cell that it serves' },
  fromNode: setting(z.array(nodeAddress).default([]), {
    description: 'the broadcast nodes of the home cell',
    placeholder: 'addresses',
  }),
  fromManager: setting(z.array(managerAddress).default([]), {
    description: 'the node managers of the home cell, which know its nodes',
    placeholder: 'addresses',
  }),
  fromBroker: setting(z.array(brokerAddress).default([]), {
    description: 'the brokers of the home cell, behind which its logs are, unless they are in --from-redis',
    placeholder: 'addresses',
  }),
  fromRedis: { ...redis, description: 'the Redis with the logs of the home cell' },
  fromKeysFolder: setting(z.string().min(1).optional(), {
    description: 'folder with keys of the home cell',
    flag: 'from-keys',
    placeholder: 'folder',
  }),
  fromDataFolder: setting(z.string().min(1).optional(), {
    description: 'of `im up` in the home cell, if that is on this host: names what is not named',
    flag: 'from-data',
    placeholder: 'folder',
  }),
  ...adminPortSettings,
  processName,
  ...loggingSettings,
};

type BridgeConfig = Config<typeof bridgeSettings>;

export const bridge = defineCommand({
  name: 'bridge',
  summary: 'brings the groups of another cell to the gateways and workers of this one',
  settings: bridgeSettings,
  examples: [
    ["im bridge --from a --to b --homes 'r:eu-*=b,*=a' --from-data /var/lib/im-a --data /var/lib/im-b", 'on one host'],
    [
      "im bridge --from a --to b --homes '*=a' --from-manager tcp://10.0.0.4:7601 --from-broker tcp://10.0.0.5:7401 --broker tcp://10.1.0.5:7401",
      'between hosts',
    ],
  ],
  run(config, environment) {
    const { from, to, homes: rules } = config;
    const homes = readHomes(rules);
    if (from === to) throw mistake('to', 'another cell than --from');
    if (!homes.cells.includes(from)) throw mistake('from', 'a cell that --homes names: nothing has its home there');
    return runRole('bridge', config, environment, async (role) => {
      const { logger, metrics, shutdown } = role;
      const [
        { createZeromqBridge },
        { createZeromqRpc },
        { guardNode },
        { reachNodes },
        { serveLog },
        { serveRecords },
        relay,
        relayRecord,
      ] = await Promise.all([
        import('@im/broadcast/zeromq'),
        import('@im/rpc/zeromq'),
        import('../bus/guarded-context.js'),
        import('../bus/reach-nodes.js'),
        import('../relay/serve-log.js'),
        import('../relay/serve-records.js'),
        import('../relay/relay-contract.js'),
        import('../relay/relay-record-contract.js'),
      ]);
      const ports = { clock: systemClock, logger, metrics };
      const home = await findHome(config, role);
      const broadcast = await reachNodes(home.nodes, home.keys, ports);
      shutdown.add({ name: 'home cell', stop: () => broadcast.close() });
      const { log, records } = await openHomeLogs(config, home, role);
      const { names, place } = await findBrokers(config);
      const rpc = createZeromqRpc({ ...place, clock: systemClock, logger });
      shutdown.add({ name: 'rpc', stop: () => rpc.close() });
      const guarded = await guardNode(config.keysFolder);
      shutdown.add({ name: 'keys', stop: () => guarded.close() });
      const { keys, context } = guarded;
      const isHome = (group: string): boolean => homes.homeOf(group) === from;
      const running = await createZeromqBridge({
        ...nodeAddressesOf(config.listen),
        ...{ home: broadcast, isHome, keys, context, insecure: config.insecure },
        ...ports,
      }).catch(namingFlags('--listen, --keys, --insecure'));
      shutdown.add({ name: 'bridge', stop: () => running.close() });
      const [worker, version] = [rpc.createWorker(), ownVersion()];
      const [service, recordService] = [relay.bridgedLog(from), relayRecord.bridgedRecords(from)];
      const serving = Promise.all([
        // Of groups whose home is elsewhere, by rules that not all know yet, nothing is to be had here.
        serveLog({ worker, log: logsAtHome(homes, new Map([[from, log]])), version, service }),
        serveRecords({
          ...{ worker, version, service: recordService },
          records: recordsAtHome(homes, new Map([[from, records]])),
        }),
      ]);
      const served = await expectBrokers(names, logger, serving);
      for (const each of served) shutdown.add({ name: 'log readers', stop: () => each.close() });
      return { from, to, bridge: config.listen, brokers: names };
    });
  },
});

interface Home {
  readonly nodes: Awaited<ReturnType<typeof findNodes>>['nodes'];
  readonly brokers: BrokerPlace['brokers'];
  readonly keys: BrokerPlace['keys'];
}

/** Where the nodes and brokers of the home cell are. @throws CommandError, ConfigError */
async function findHome(config: BridgeConfig, role: Role): Promise<Home> {
  const { fromNode: node, fromManager: manager, fromBroker: broker, fromKeysFolder, fromDataFolder } = config;
  if (node.length + manager.length === 0 && fromDataFolder === undefined) {
    throw mistake('fromNode', 'where the home cell is: --from-node, --from-manager or --from-data');
  }
  if (broker.length === 0 && config.fromRedis === undefined && fromDataFolder === undefined) {
    throw mistake('fromBroker', 'where the logs of the home cell are: --from-broker, IM_FROM_REDIS or --from-data');
  }
  if (fromDataFolder === undefined) {
    const { readPeerKeys } = await import('../rpc/key-files.js');
    const keys = fromKeysFolder === undefined ? undefined : await readPeerKeys(fromKeysFolder);
    const { portsOf } = await import('../rpc/broker-address.js');
    const { nodes } = await findNodes({ engine: 'zeromq', node, manager, dataFolder: '' }, keys, role);
    return { nodes, brokers: broker.map(portsOf), keys };
  }
  const { place } = await findBrokers({ broker, keysFolder: fromKeysFolder, dataFolder: fromDataFolder });
  const { nodes } = await findNodes({ engine: 'zeromq', node, manager, dataFolder: fromDataFolder }, place.keys, role);
  return { nodes, brokers: place.brokers, keys: place.keys };
}

/** @throws ImError STORE_UNAVAILABLE, CONFIG_INVALID */
async function openHomeLogs({ fromRedis }: BridgeConfig, { brokers, keys }: Home, { logger, metrics, shutdown }: Role) {
  if (fromRedis !== undefined) {
    const { openLogReader } = await import('../server/redis-engines.js');
    const log = await openLogReader(fromRedis, { clock: systemClock, logger, metrics }, shutdown);
    return { log, records: log.records };
  }
  const [{ createZeromqRpc }, { createRelayedLogReader }, { createRelayedRecords }] = await Promise.all([
    import('@im/rpc/zeromq'),
    import('../relay/relayed-log.js'),
    import('../relay/relayed-records.js'),
  ]);
  const rpc = createZeromqRpc({ brokers, keys, clock: systemClock, logger });
  shutdown.add({ name: 'home rpc', stop: () => rpc.close() });
  const caller = rpc.createCaller();
  return { log: createRelayedLogReader(caller), records: createRelayedRecords(caller) };
}

const mistake = (path: string, expected: string): ConfigError => new ConfigError([{ path, expected }]);
