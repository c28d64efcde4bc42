/** Owns: figures and health of a process that has no other HTTP port, on one of their own where it is wanted. */
import { mkdir } from 'node:fs/promises';
import type { Logger } from '@im/protocol/ports';
import { type Config, createAdminHandler, createHealth, ensureSecret, setting, systemClock } from '@im/runtime';
import { z } from 'zod';
import type { Role } from '../role.js';
import { SECRET_FILES } from '../server/secrets.js';
import { serverSettings } from '../settings.js';
import { closeServer, listen } from './listen.js';
import { createHttpServer } from './request-handler.js';

export const adminPortSettings = {
  metricsPort: setting(z.int().min(0).max(65_535).optional(), {
    description: 'port for its figures (/metrics) and probes (/healthz, /readyz); 0 takes a free one; default: none',
    placeholder: 'port',
  }),
  metricsHost: setting(z.string().min(1).default('127.0.0.1'), {
    description: 'address of that port; 0.0.0.0 lets other hosts in',
    placeholder: 'address',
  }),
  metricsOpen: serverSettings.metricsOpen,
};

export interface AdminPortConfig extends Config<typeof adminPortSettings> {
  /** Where the token is that lets read the figures. */
  readonly dataFolder: string;
}

/** Of processes that have an HTTP port anyway. */
export interface NoAdminPort {
  readonly metricsPort?: undefined;
}

export interface AdminPort {
  /** Where the figures are. */
  readonly figures: string;
  /** From now on the process is ready, until it is stopped. */
  begun(): void;
}

/** @returns undefined when none is wanted @throws CommandError, DataFolderError */
export async function openAdminPort(
  config: AdminPortConfig | NoAdminPort,
  { logger, metrics, shutdown }: Pick<Role, 'metrics' | 'shutdown'> & { readonly logger: Logger },
): Promise<AdminPort | undefined> {
  if (config.metricsPort === undefined) return undefined;
  const { metricsPort: port, metricsHost: host, metricsOpen, dataFolder } = config;
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const token = await ensureSecret(dataFolder, SECRET_FILES.admin);
  const health = createHealth();
  let hasBegun = false;
  health.addCheck('process', () => hasBegun || 'starting');
  const server = createHttpServer([createAdminHandler({ health, metrics, token, metricsOpen })], logger);
  const address = { host, port, flag: '--metrics-port', hostFlag: '--metrics-host' };
  const taken = await listen(server, address, (error) => logger.error('the HTTP server had an error', { error }));
  shutdown.add({ name: 'figures', stop: () => closeServer(server, systemClock) });
  return {
    figures: `http://${host.includes(':') ? `[${host}]` : host}:${taken}/metrics`,
    begun() {
      hasBegun = true;
      shutdown.add({ name: 'readiness', stop: () => health.setStopping() });
    },
  };
}
