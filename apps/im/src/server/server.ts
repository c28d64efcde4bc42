/**
 * Composes a server: gateway, engines and workers, in this process or in others, behind one HTTP port. Nothing but
 * composition: what the parts do is theirs.
 */
import { hostname } from 'node:os';
import { clientAddress, createGateway, type Gateway, proxyList } from '@im/gateway';
import { createPushClient } from '@im/push-client';
import { createPushEndpoint } from '@im/push-client/endpoint';
import {
  createAdminHandler,
  createHealth,
  type Health,
  type Logger,
  type MetricsRegistry,
  type Shutdown,
  systemClock,
} from '@im/runtime';
import { closeServer, listen } from '../http/listen.js';
import { createLoginEndpoint } from '../http/login-endpoint.js';
import { createHttpServer } from '../http/request-handler.js';
import { loadStaticSite } from '../http/static-site.js';
import type { ServerConfig } from '../settings.js';
import { type Arrangement, allInOne } from './arrangement.js';
import { devicePolicies } from './device-policies.js';
import { originOf, ownOrigins, reachableHosts } from './own-origins.js';
import { createPositionSink } from './position-sink.js';
import { readSecrets } from './secrets.js';
import { chooseSignIn } from './sign-in.js';
import { createVerifier } from './token-verifier.js';

export interface ServerOptions {
  readonly config: ServerConfig;
  /** Folder of the page at `/`. */
  readonly site: string;
  /** Of the code. */
  readonly version: string;
  readonly logger: Logger;
  /** With those of the process. */
  readonly metrics: MetricsRegistry;
  /** Gets a step for everything that is started, also when starting fails half-way. */
  readonly shutdown: Shutdown;
  /** Where calls are carried out. Default: in this process. */
  readonly arrangement?: Arrangement;
}

export interface RunningServer {
  readonly port: number;
  /** Where its page is: `http://127.0.0.1:8080`. */
  readonly origin: string;
  readonly gateway: Pick<Gateway, 'connections' | 'drain' | 'endDrain'>;
  readonly health: Pick<Health, 'addCheck'>;
}

/** Longest gateway stop: calls are answered, clients asked to move, then closed. */
const GATEWAY_STOP_MS = 10_000;

/** @throws ConfigError, CommandError, DataFolderError, ImError CONFIG_INVALID or STORE_UNAVAILABLE */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { config, site, version, logger, metrics, shutdown, arrangement = allInOne() } = options;
  const clock = systemClock;
  const signIn = chooseSignIn(config);
  const trusted = proxyList(config.trustedProxies);
  const origins = config.origins.map((url) => new URL(url).origin);
  const ports = { clock, logger, metrics };
  const health = createHealth();
  let storeFailure: string | undefined;
  health.addCheck('store', () => storeFailure ?? true);
  // Whoever supervises starts the server again, and that opens the store again.
  const onStoreFailed = ({ message }: Error): void => {
    storeFailure = message;
    void shutdown.stop('the store failed', 1);
  };
  const rpc = arrangement.createRpc(ports);
  shutdown.add({ name: 'rpc', stop: () => rpc.close() });
  const { dataFolder } = config;
  const engines = await arrangement.openEngines({ dataFolder, rpc, ports, shutdown, onStoreFailed });
  const { broadcast } = engines;
  const secrets = await readSecrets(dataFolder);
  const developmentSecret = new TextEncoder().encode(secrets.development);
  const gateway = createGateway({
    node: nodeId(),
    verifier: createVerifier({ signIn, config, developmentSecret, clock, metrics }),
    rpc: rpc.createCaller(),
    ...engines,
    ...devicePolicies(config),
    positions: createPositionSink(rpc.createCaller()),
    ticketKeys: [{ id: 'own', secret: secrets.tickets }],
    ...ports,
  });
  const served = await arrangement.serve({
    ...{ worker: rpc.createWorker(), caller: rpc.createCaller() },
    ...{ ...engines, version },
    users: engines.users ?? { sessionsOf: async (userGroup) => gateway.sessionsOf(userGroup) },
    developmentSecret: signIn.by === 'development' ? developmentSecret : undefined,
    ...ports,
  });
  shutdown.add({ name: 'workers', stop: () => served.close() });

  const receipts = rpc.createCaller();
  const pushing = (product?: string) =>
    createPushClient({ publisher: broadcast.createPublisher(), receipts, product, clock });
  const products = config.pushTokens.map((text) => {
    const end = text.indexOf('=');
    return { client: pushing(text.slice(0, end)), tokens: [text.slice(end + 1)] };
  });
  const server = createHttpServer(
    [
      createAdminHandler({ health, metrics, token: secrets.admin, metricsOpen: config.metricsOpen }),
      createLoginEndpoint({
        caller: rpc.createCaller(),
        clock,
        origins: new Set(origins),
        addressOf: ({ socket, headers }) =>
          clientAddress(socket.remoteAddress, headers['x-forwarded-for']?.toString(), trusted),
      }),
      createPushEndpoint({ client: pushing(), tokens: [secrets.push], products, ...ports }),
      await loadStaticSite(site),
    ],
    logger,
  );
  const port = await listen(server, config, (error) => logger.error('the HTTP server had an error', { error }));
  shutdown.add({ name: 'http', stop: () => closeServer(server, clock) });
  gateway.attach(server, {
    origins: [...ownOrigins(config.host, port), ...origins],
    trustedProxies: config.trustedProxies,
    compression: config.compression,
  });
  shutdown.add({ name: 'gateway', stop: () => gateway.stop(), deadlineMs: GATEWAY_STOP_MS });
  shutdown.add({ name: 'readiness', stop: () => health.setStopping() });
  return { port, gateway, health, origin: originOf(reachableHosts(config.host)[0] ?? config.host, port) };
}

/** Unique on one host at one time: host name and process id. */
function nodeId(): string {
  return `${hostname()
    .replace(/[^A-Za-z0-9_.-]/g, '-')
    .slice(0, 48)}.${process.pid}`;
}
