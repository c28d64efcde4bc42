/** `im worker`: the services of the application, as a process of their own. */
import { ensureSecret, setting, systemClock } from '@im/runtime';
import { z } from 'zod';
import { busSettings, describeBus, findBus } from '../bus/bus-place.js';
import { cellSettings, findCells } from '../cells/cell-place.js';
import { nodeName } from '../cluster/node-name.js';
import { defineCommand } from '../command.js';
import { adminPortSettings } from '../http/admin-port.js';
import { ownVersion } from '../own-version.js';
import { runRole } from '../role.js';
import { brokerSettings, expectBrokers, findBrokers } from '../rpc/broker-place.js';
import { offlineSettings, openOfflineSinks } from '../server/offline-sinks.js';
import { SECRET_FILES } from '../server/secrets.js';
import { dataFolder, loggingSettings, processName } from '../settings.js';

/** Writing who entered where takes Redis some round trips, each as long as its disk wants. */
const ONLINE_LAG_MS = 2_000;
/** Longer than the deadlines of the calls it may have. */
const DRAIN_MS = 15_000;

export const workerSettings = {
  ...brokerSettings,
  ...busSettings,
  ...cellSettings,
  dataFolder: { ...dataFolder, description: 'folder of the server: tokens are signed with its secret' },
  development: setting(z.boolean().default(false), { description: 'issue tokens to whoever types a name' }),
  release: setting(z.string().min(1).max(64).optional(), {
    description: 'version of the code, as im rpc weights names it; default: that of im',
    placeholder: 'version',
  }),
  ...offlineSettings,
  ...adminPortSettings,
  processName,
  ...loggingSettings,
};

export const worker = defineCommand({
  name: 'worker',
  summary: 'one process with the services of the application',
  settings: workerSettings,
  examples: [
    ['im worker --broker tcp://10.0.0.5:7401,tcp://10.0.0.6:7401 --keys /etc/im/keys', 'at two brokers'],
    ['im worker --release 1.1.0', 'beside those of im up, for a share of the calls: see im rpc weights'],
  ],
  run: (config, environment) =>
    runRole('worker', config, environment, async (role) => {
      const { logger, metrics, shutdown } = role;
      const { dataFolder, development, release = ownVersion() } = config;
      const cells = findCells(config);
      const { names, place } = await findBrokers(config);
      const { bus, member } = await findBus(config, place.keys, role);
      const [
        { createZeromqRpc },
        { createPushClient, servePush },
        { createWorkers },
        { openIdSource },
        { openBus },
        { reachCells },
        { openOnlineReader },
      ] = await Promise.all([
        import('@im/rpc/zeromq'),
        import('@im/push-client'),
        import('@im/workers'),
        import('@im/timeline'),
        import('../bus/open-bus.js'),
        import('../cells/reach-cells.js'),
        import('../server/online-reader.js'),
      ]);
      const ports = { clock: systemClock, logger, metrics };
      const rpc = createZeromqRpc({ ...place, clock: systemClock, logger });
      shutdown.add({ name: 'rpc', stop: () => rpc.close() });
      const caller = rpc.createCaller();
      const surroundings = { keys: place.keys, caller, ports, shutdown };
      const own = await openBus({ place: bus, ...surroundings });
      const { broadcast, log, records } = await reachCells(own, cells, surroundings);
      const { online, users } = await openOnlineReader({ redis: bus.redis, caller, ports, shutdown });
      const secret = development ? await ensureSecret(dataFolder, SECRET_FILES.development) : undefined;
      const serve = async () => {
        const ids = await openIdSource({ records, ...ports });
        shutdown.add({ name: 'ids', stop: () => ids.close() });
        return createWorkers({
          worker: rpc.createWorker(),
          publisher: broadcast.createPublisher(),
          ...{ log, records, ids, online },
          onlineLagMs: bus.redis === undefined ? 0 : ONLINE_LAG_MS,
          offline: await openOfflineSinks(config, { caller, users, bus: own, ...ports }),
          version: release,
          developmentSecret: secret === undefined ? undefined : new TextEncoder().encode(secret),
          ...ports,
        });
      };
      const workers = await expectBrokers(names, logger, serve());
      shutdown.add({ name: 'workers', stop: () => workers.close(), deadlineMs: DRAIN_MS });
      // Backends push by RPC as well: whoever the brokers let in may.
      const pushes = rpc.createWorker();
      shutdown.add({ name: 'pushes', stop: () => pushes.close(), deadlineMs: DRAIN_MS });
      const client = createPushClient({ publisher: broadcast.createPublisher(), receipts: caller });
      await servePush({ worker: pushes, client, version: release });
      // Another name for each run: when workers are updated, the old and the new one live beside each other.
      const id = nodeName(config.processName ?? 'worker', process.pid);
      member?.announce({ id, role: 'worker', version: release });
      return { version: release, brokers: names, ...describeBus(bus) };
    }),
});
