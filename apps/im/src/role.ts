/** Owns: what every process of a server does beside its work: logging, figures, shutdown, telling its supervisor. */
import { ImError } from '@im/protocol';
import {
  type AppLogger,
  type Config,
  createMetrics,
  createShutdown,
  linkToParent,
  type MetricsRegistry,
  recordProcessFigures,
  type Shutdown,
} from '@im/runtime';
import { asCommandError, type Environment } from './command.js';
import { holdProcess } from './hold-process.js';
import { type AdminPortConfig, type NoAdminPort, openAdminPort } from './http/admin-port.js';
import { createProcessLog } from './process-log.js';
import type { loggingSettings, processName } from './settings.js';

export interface Role {
  readonly logger: AppLogger;
  readonly metrics: MetricsRegistry;
  /** Of its work, by name: told to node managers, for people. */
  readonly figures: Map<string, () => number>;
  /** Gets a step for everything that is started, also when starting fails half-way. */
  readonly shutdown: Shutdown;
}

export type RoleConfig = Config<typeof loggingSettings> &
  Partial<Config<{ processName: typeof processName }>> &
  (AdminPortConfig | NoAdminPort);

/** @param begin settles when the process does its work, with what the log shall say of it */
export async function runRole(
  name: string,
  config: RoleConfig,
  environment: Environment,
  begin: (role: Role) => Promise<Readonly<Record<string, unknown>>>,
): Promise<void> {
  const logger = createProcessLog(config.processName ?? name, config, environment);
  const shutdown = createShutdown({ logger });
  shutdown.listen();
  const parent = linkToParent(() => void shutdown.stop('the supervisor is gone', 1));
  shutdown.add({ name: 'process', stop: holdProcess() });
  const metrics = createMetrics();
  parent.answerFigures(() => metrics.render());
  shutdown.add({ name: 'process figures', stop: recordProcessFigures(metrics) });
  try {
    const role = { logger, metrics, figures: new Map(), shutdown };
    const admin = await openAdminPort(config, role);
    const told = await begin(role);
    admin?.begun();
    logger.info('ready', { ...told, ...(admin && { figures: admin.figures }) });
    parent.reportReady();
  } catch (error) {
    // Told to stop while it was starting.
    if (shutdown.stopping) return;
    await shutdown.stop(undefined, 1);
    throw error instanceof ImError ? asCommandError(error) : error;
  }
}
