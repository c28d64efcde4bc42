/** `im start`: a server that is watched over and started again when it ends; with simulated viewers if wanted. */
import { handOn } from '@im/runtime';
import { defineCommand } from '../command.js';
import { checkOffline } from '../server/offline-sinks.js';
import { checkBots, childOf, findPorts, shownOrigin, superviseChildren } from '../supervised-children.js';
import { botsChild, botsCount, DEFAULT_ROOM } from './bots-settings.js';
import { serveSettings } from './serve.js';
import { welcomeText } from './welcome-text.js';

export const start = defineCommand({
  name: 'start',
  summary: 'the server, watched over and started again when it ends',
  settings: { ...serveSettings, bots: botsCount },
  examples: [
    ['im start', 'on http://127.0.0.1:8080/'],
    ['im start --bots 200', 'with a lively room'],
    ['im start --host 0.0.0.0 --development', 'for the phones in your network; anybody can sign in'],
  ],
  async run({ bots, ...given }, environment) {
    checkBots(given, bots);
    checkOffline(given);
    const [port = given.port] = await findPorts(given);
    const config = { ...given, port };
    const origin = shownOrigin(config);
    const children = [childOf('serve', handOn(serveSettings, config)), ...botsChild(config, bots, origin)];
    const supervision = await superviseChildren('start', config, children, environment);
    if (supervision === undefined) return;
    if (config.json) supervision.logger.info('ready', { origin });
    else environment.print(welcomeText({ origin, dataFolder: config.dataFolder, room: DEFAULT_ROOM, bots }));
  },
});
