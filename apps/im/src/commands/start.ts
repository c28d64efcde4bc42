/** `im start`: a server that is watched over and started again when it ends; with simulated viewers if wanted. */
import { createServer } from 'node:http';
import {
  type ChildSpec,
  ConfigError,
  createShutdown,
  createSupervisor,
  handOn,
  setting,
  systemClock,
  wantsColour,
} from '@im/runtime';
import { z } from 'zod';
import { CommandError, defineCommand } from '../command.js';
import { closeServer, listen } from '../http/listen.js';
import { createProcessLog } from '../process-log.js';
import { originOf, reachableHosts } from '../server/own-origins.js';
import { chooseSignIn } from '../server/sign-in.js';
import { type ServerConfig, serverSettings } from '../settings.js';
import { botsSettings, DEFAULT_ROOM, MAX_BOTS } from './bots-settings.js';
import { tellSupervision } from './supervision-log.js';
import { welcomeText } from './welcome-text.js';

const startSettings = {
  ...serverSettings,
  bots: setting(z.int().min(0).max(MAX_BOTS).default(0), { description: 'simulated viewers in room 10000' }),
};

/** Longer than the server's own deadlines together. */
const SERVER_STOP_MS = 20_000;

export const start = defineCommand({
  name: 'start',
  summary: 'the server, watched over and started again when it ends',
  settings: startSettings,
  examples: [
    ['im start', 'on http://127.0.0.1:8080/'],
    ['im start --bots 200', 'with a lively room'],
    ['im start --host 0.0.0.0 --development', 'for the phones in your network; anybody can sign in'],
  ],
  async run({ bots, ...given }, environment) {
    if (chooseSignIn(given).by !== 'development' && bots > 0) {
      throw new ConfigError([{ path: 'bots', expected: 'simulated viewers need --development' }]);
    }
    const config = { ...given, port: await freePort(given) };
    const logger = createProcessLog('start', config, environment);
    const colour = wantsColour(process.stdout, environment.variables);
    const origin = originOf(reachableHosts(config.host)[0] ?? config.host, config.port);
    const shutdown = createShutdown({ logger });
    let started = false;
    const supervisor = createSupervisor(childrenOf(config, bots, origin, colour), {
      onEvent(event) {
        // A child that fails before that is told by the error of `start` below.
        if (event.kind === 'failed' && !started) return;
        tellSupervision(event, { logger, json: config.json, colour });
        if (event.kind === 'failed') void shutdown.stop(`${event.child} failed`, 1);
      },
    });
    // Steps have their own deadlines, child by child.
    shutdown.add({ name: 'children', stop: () => supervisor.stop(), deadlineMs: 2 * SERVER_STOP_MS });
    shutdown.listen();
    try {
      await supervisor.start();
      started = true;
    } catch (error) {
      if (shutdown.stopping) return;
      throw new CommandError((error as Error).message, 1, { cause: error });
    }
    if (config.json) logger.info('ready', { origin });
    else environment.print(welcomeText({ origin, dataFolder: config.dataFolder, room: DEFAULT_ROOM, bots }));
  },
});

/** The port to use. Tried here, so that a mistake is one line and not a child that fails. @throws CommandError */
async function freePort({ host, port }: ServerConfig): Promise<number> {
  const server = createServer();
  try {
    return await listen(server, { host, port }, () => {});
  } catch (error) {
    throw error instanceof CommandError ? new CommandError(error.message, 1, { cause: error }) : error;
  } finally {
    await closeServer(server, systemClock);
  }
}

function childrenOf(config: ServerConfig, bots: number, origin: string, colour: boolean): ChildSpec[] {
  // This command itself, by the path under which it was started.
  const program = process.argv[1] as string;
  const child = (name: string, handedOn: ReturnType<typeof handOn>): ChildSpec => ({
    name,
    command: process.execPath,
    args: [program, name, ...handedOn.arguments],
    env: { ...handedOn.environment, ...(colour && { FORCE_COLOR: '1' }) },
    ready: { by: 'ipc' },
    stopTimeoutMs: SERVER_STOP_MS,
  });
  const children = [child('serve', handOn(serverSettings, config))];
  if (bots > 0) {
    const { dataFolder, logLevel, json } = config;
    const url = `${origin.replace(/^http/, 'ws')}/im`;
    children.push(
      child(
        'bots',
        handOn(botsSettings, { count: bots, room: DEFAULT_ROOM, url, seed: 1, dataFolder, logLevel, json }),
      ),
    );
  }
  return children;
}
