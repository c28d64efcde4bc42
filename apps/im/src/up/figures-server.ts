/** Owns: `/metrics` of all processes of `im up`, on a port of this host. */
import { ensureSecret, hasBearerToken, METRICS_CONTENT_TYPE, systemClock } from '@im/runtime';
import { closeServer, listen } from '../http/listen.js';
import { createHttpServer, pathOf } from '../http/request-handler.js';
import { SECRET_FILES } from '../server/secrets.js';
import type { Supervision } from '../supervised-children.js';
import { mergeFigures } from './merged-figures.js';
import type { UpConfig } from './up-settings.js';

const HOST = '127.0.0.1';

/** @returns where they are read @throws CommandError */
export async function serveFigures({ supervisor, shutdown, logger }: Supervision, config: UpConfig): Promise<string> {
  const token = await ensureSecret(config.dataFolder, SECRET_FILES.admin);
  const server = createHttpServer(
    [
      async (request, response) => {
        if (pathOf(request) !== '/metrics') return false;
        if (!config.metricsOpen && !hasBearerToken(request, token)) {
          response.writeHead(401, { 'www-authenticate': 'Bearer' }).end('needs the admin token\n');
          return true;
        }
        const text = mergeFigures(await supervisor.figures());
        response.writeHead(200, { 'content-type': METRICS_CONTENT_TYPE, 'cache-control': 'no-store' }).end(text);
        return true;
      },
    ],
    logger,
  );
  const address = { host: HOST, port: config.metricsPort ?? 0, flag: '--metrics-port' };
  const port = await listen(server, address, (error) => logger.error('the HTTP server had an error', { error }));
  shutdown.add({ name: 'figures', stop: () => closeServer(server, systemClock) });
  return `http://${HOST}:${port}/metrics`;
}
