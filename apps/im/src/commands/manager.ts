/** `im manager`: one node manager, as a process of its own: who is in the cluster, and where clients are sent. */
import { mkdir } from 'node:fs/promises';
import { createAdminHandler, createHealth, ensureSecret, hasBearerToken, setting, systemClock } from '@im/runtime';
import { z } from 'zod';
import { managerAddress, managerPortsOf } from '../cluster/manager-address.js';
import { defineCommand, namingFlags } from '../command.js';
import { closeServer, listen } from '../http/listen.js';
import { createHttpServer } from '../http/request-handler.js';
import { runRole } from '../role.js';
import { keysFolder } from '../rpc/broker-place.js';
import { originOf, reachableHosts } from '../server/own-origins.js';
import { SECRET_FILES } from '../server/secrets.js';
import { dataFolder, loggingSettings, processName, serverSettings } from '../settings.js';

export const DEFAULT_HOLD_SECONDS = 60;

export const managerSettings = {
  listen: setting(managerAddress.default('tcp://127.0.0.1:7601'), {
    description: 'where nodes send heartbeats; the topology comes from one port above, or from the socket beside',
    placeholder: 'address',
  }),
  port: setting(z.int().min(0).max(65_535).default(7680), {
    description: 'port for HTTP: where clients ask for gateways, operators for the cluster; 0 takes a free one',
  }),
  host: serverSettings.host,
  id: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9_.-]{1,64}$/)
      .default('manager-1'),
    {
      description: 'its name; several managers have different ones',
      placeholder: 'name',
    },
  ),
  holdSeconds: setting(z.int().min(0).max(86_400).default(DEFAULT_HOLD_SECONDS), {
    description: 'how long the loss of more than half of the nodes is held back',
    placeholder: 'seconds',
  }),
  keysFolder,
  insecure: setting(z.boolean().default(false), {
    description: 'listen to other hosts without keys: whoever reaches the port may say that nodes come and go',
  }),
  dataFolder,
  metricsOpen: serverSettings.metricsOpen,
  processName,
  ...loggingSettings,
};

export const manager = defineCommand({
  name: 'manager',
  summary: 'one node manager: who is in the cluster, and where clients connect',
  settings: managerSettings,
  examples: [
    ['im manager --data /var/lib/im', 'for nodes of this host'],
    ['im manager --listen tcp://10.0.0.5:7601 --host 0.0.0.0 --keys /etc/im/keys', 'for other hosts'],
  ],
  run: (config, environment) =>
    runRole('manager', config, environment, async ({ logger, metrics, shutdown }) => {
      // Loaded only where it runs: the other commands need none of it.
      const [{ createNodeManager }, { createManagerEndpoint }, { guardNode }] = await Promise.all([
        import('@im/cluster/zeromq'),
        import('@im/cluster'),
        import('../bus/guarded-context.js'),
      ]);
      await mkdir(config.dataFolder, { recursive: true, mode: 0o700 });
      const token = await ensureSecret(config.dataFolder, SECRET_FILES.admin);
      const guarded = await guardNode(config.keysFolder);
      shutdown.add({ name: 'keys', stop: () => guarded.close() });
      const { id, insecure, holdSeconds, metricsOpen } = config;
      const { keys, context } = guarded;
      const running = await createNodeManager({
        ...{ id, keys, context, insecure, logger, metrics },
        listen: managerPortsOf(config.listen),
        holdMs: holdSeconds * 1_000,
      }).catch(namingFlags('--listen, --keys, --insecure'));
      shutdown.add({ name: 'manager', stop: () => running.close() });
      const health = createHealth();
      health.addCheck('topology', () => !running.status().isWarmingUp || 'it listens who is there');
      const server = createHttpServer(
        [
          createAdminHandler({ health, metrics, token, metricsOpen }),
          createManagerEndpoint({ manager: running, isOperator: (request) => hasBearerToken(request, token) }),
        ],
        logger,
      );
      const port = await listen(server, config, (error) => logger.error('the HTTP server had an error', { error }));
      shutdown.add({ name: 'http', stop: () => closeServer(server, systemClock) });
      shutdown.add({ name: 'readiness', stop: () => health.setStopping() });
      const origin = originOf(reachableHosts(config.host)[0] ?? config.host, port);
      return { ...running.address, route: `${origin}/v1/route` };
    }),
});
