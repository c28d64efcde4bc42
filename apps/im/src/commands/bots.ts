/** `im bots`: simulated viewers for a server in development mode. */
import { createShutdown, linkToParent } from '@im/runtime';
import { defineCommand } from '../command.js';
import { createProcessLog } from '../process-log.js';
import { botsSettings } from './bots-settings.js';

export const bots = defineCommand({
  name: 'bots',
  summary: 'simulated viewers who chat, like and give gifts',
  settings: botsSettings,
  examples: [
    ['im bots --count 500', 'five hundred viewers in room 10000'],
    ['im bots --room lounge --seed 7', 'others, elsewhere'],
  ],
  async run(config, environment) {
    const logger = createProcessLog('bots', config, environment);
    const shutdown = createShutdown({ logger });
    shutdown.listen();
    const parent = linkToParent(() => void shutdown.stop('the supervisor is gone', 1));
    // Loaded only where it runs: the other commands need none of it.
    const { startBots } = await import('../bots/start-bots.js');
    await startBots({ config, logger, shutdown });
    parent.reportReady();
  },
});
