/** `im serve`: the server, in one process. */
import path from 'node:path';
import { defineCommand } from '../command.js';
import { ownVersion } from '../own-version.js';
import { runRole } from '../role.js';
import { offlineSettings } from '../server/offline-sinks.js';
import { serverSettings } from '../settings.js';
import { siteFolder } from '../site-folder.js';

export const serveSettings = { ...serverSettings, ...offlineSettings };

export const serve = defineCommand({
  name: 'serve',
  summary: 'the server in one process, for those who supervise it themselves',
  settings: serveSettings,
  examples: [
    ['im serve --port 9000 --data /var/lib/im', 'another port and folder'],
    ['im serve --host 0.0.0.0 --verify-url https://example.org/who', 'for other hosts, with accounts of your own'],
    ['IM_JWT_SECRET=… im serve --json', 'with tokens that you sign, logging for machines'],
  ],
  run: (config, environment) =>
    runRole('serve', config, environment, async (role) => {
      // Loaded only where it runs: the other commands need none of it.
      const [{ startServer }, { allInOne }] = await Promise.all([
        import('../server/server.js'),
        import('../server/arrangement.js'),
      ]);
      const arrangement = allInOne(config);
      const { origin } = await startServer({ ...role, config, site: siteFolder(), version: ownVersion(), arrangement });
      return { origin, data: path.resolve(config.dataFolder) };
    }),
});
