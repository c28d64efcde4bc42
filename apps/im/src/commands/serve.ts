/** `im serve`: the server, in one process. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { ImError } from '@im/protocol';
import { createShutdown, linkToParent } from '@im/runtime';
import { CommandError, defineCommand } from '../command.js';
import { createProcessLog } from '../process-log.js';
import { serverSettings } from '../settings.js';

export const serve = defineCommand({
  name: 'serve',
  summary: 'the server in one process, for those who supervise it themselves',
  settings: serverSettings,
  examples: [
    ['im serve --port 9000 --data /var/lib/im', 'another port and folder'],
    ['im serve --host 0.0.0.0 --verify-url https://example.org/who', 'for other hosts, with accounts of your own'],
    ['IM_JWT_SECRET=… im serve --json', 'with tokens that you sign, logging for machines'],
  ],
  async run(config, environment) {
    const logger = createProcessLog('serve', config, environment);
    const shutdown = createShutdown({ logger });
    shutdown.listen();
    const parent = linkToParent(() => void shutdown.stop('the supervisor is gone', 1));
    try {
      // Loaded only where it runs: the other commands need none of it.
      const { startServer } = await import('../server/server.js');
      const { origin } = await startServer({ config, site: siteFolder(), version: ownVersion(), logger, shutdown });
      logger.info('ready', { origin, data: path.resolve(config.dataFolder) });
      parent.reportReady();
    } catch (error) {
      // Told to stop while it was starting.
      if (shutdown.stopping) return;
      await shutdown.stop(undefined, 1);
      throw error instanceof ImError ? new CommandError(error.message, undefined, { cause: error }) : error;
    }
  },
});

/** The built page. */
function siteFolder(): string {
  return path.dirname(createRequire(import.meta.url).resolve('@im/demo/index.html'));
}

function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return String((manifest as { version?: unknown }).version);
}
