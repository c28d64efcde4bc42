/** `im up`: gateways, brokers, broadcast nodes and workers as processes of their own, watched over; workers are updated without a call failing. */
import { closeSync, openSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { openDataFolder, systemClock } from '@im/runtime';
import { defineCommand, type Environment } from '../command.js';
import { UP_FILE, type UpFile } from '../rpc/broker-place.js';
import { checkBots, type Supervision, shownOrigin, superviseChildren, withFreePorts } from '../supervised-children.js';
import { watchCode } from '../up/code-watch.js';
import { listenForCommands } from '../up/control-socket.js';
import { serveFigures } from '../up/figures-server.js';
import {
  brokerAddressesOf,
  checkShared,
  controlSocket,
  gatewayOrigins,
  nodeAddressesOf,
  rpcFolder,
  type UpConfig,
  upChildren,
  upSettings,
  workerNames,
} from '../up/up-children.js';
import { WorkerUpdates } from '../up/worker-updates.js';
import { DEFAULT_ROOM } from './bots-settings.js';
import { welcomeText } from './welcome-text.js';

export const up = defineCommand({
  name: 'up',
  summary: 'the server as processes of their own, watched over: gateways, brokers, broadcast nodes, workers',
  settings: upSettings,
  examples: [
    ['im up', 'one broker, two workers, on http://127.0.0.1:8080/'],
    ['im up --brokers 2 --workers 4 --watch', 'workers are updated when their code changes'],
    ['im up --gateways 2 --broadcast-nodes 2 --redis redis://127.0.0.1:6379', 'one gateway on port 8080, one on 8081'],
    ['im update', 'updates the workers of a running im up; so does SIGHUP'],
  ],
  async run(given, environment) {
    checkBots(given, given.bots);
    const brokers = brokerAddressesOf(given);
    checkShared(given);
    const config = await withFreePorts(given, given.gateways);
    // A second `im up` would take the sockets of the first: the lock comes before them.
    const folder = await openDataFolder(rpcFolder(config));
    const file = path.join(config.dataFolder, UP_FILE);
    const leave = async (): Promise<void> => {
      await rm(file, { force: true });
      await folder.close();
    };
    try {
      await writeFile(file, `${JSON.stringify(upFileOf(config, brokers))}\n`, { mode: 0o600 });
      const supervision = await superviseChildren('up', config, upChildren(config), environment, leave);
      if (supervision !== undefined) await attend(supervision, config, environment, brokers);
    } catch (error) {
      await leave();
      throw error;
    }
  },
});

/** What `im up` does once all runs. @throws CommandError: then nothing runs any more */
async function attend(
  supervision: Supervision,
  config: UpConfig,
  environment: Environment,
  brokers: readonly string[],
): Promise<void> {
  try {
    await takeUpdates(supervision, config);
    const figures = config.metricsPort === undefined ? undefined : await serveFigures(supervision, config);
    const origin = shownOrigin(config);
    const gateways = gatewayOrigins(config);
    if (config.json) supervision.logger.info('ready', { origin, gateways, brokers, figures });
    else environment.print(welcomeText({ ...config, origin, gateways, room: DEFAULT_ROOM, brokers, figures }));
  } catch (error) {
    await supervision.shutdown.stop(undefined, 1);
    throw error;
  }
}

function upFileOf(config: UpConfig, brokers: readonly string[]): UpFile {
  const { keysFolder } = config;
  return {
    brokers,
    nodes: nodeAddressesOf(config),
    keysFolder: keysFolder === undefined ? undefined : path.resolve(keysFolder),
  };
}

/** On command, on SIGHUP and, if wanted, when code changes. */
async function takeUpdates({ supervisor, shutdown, logger }: Supervision, config: UpConfig): Promise<void> {
  const updates = new WorkerUpdates({ supervisor, workers: workerNames(config), logger });
  const onHangup = (): void => {
    if (hasLostTerminal()) void shutdown.stop('the terminal was closed');
    else void updates.request('SIGHUP');
  };
  process.on('SIGHUP', onHangup);
  shutdown.add({ name: 'SIGHUP', stop: () => void process.off('SIGHUP', onHangup) });
  const control = await listenForCommands(controlSocket(config), () => updates.request('im update'));
  shutdown.add({ name: 'control', stop: () => control.close() });
  if (!config.watch) return;
  const watch = watchCode({
    folders: codeFolders(config),
    clock: systemClock,
    onChange: () => void updates.request('changed code'),
    onError: (error) => logger.error('the code is not watched any more', { error }),
  });
  shutdown.add({ name: 'watch', stop: () => watch.close() });
}

/** A terminal that closes sends SIGHUP as well. */
function hasLostTerminal(): boolean {
  if (!process.stdout.isTTY) return false;
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return false;
  } catch {
    return true;
  }
}

/** Where the code of the workers lies. */
function codeFolders({ workerProgram }: UpConfig): string[] {
  if (workerProgram !== undefined) return [path.dirname(path.resolve(workerProgram))];
  const services = createRequire(import.meta.url).resolve('@im/workers');
  return [path.dirname(services), path.dirname(process.argv[1] as string)];
}
