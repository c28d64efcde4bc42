/** `im up`: gateways, brokers, broadcast nodes and workers as processes of their own, watched over; workers are updated without a call failing. */
import { closeSync, openSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { openDataFolder, systemClock } from '@im/runtime';
import { findCells } from '../cells/cell-place.js';
import { defineCommand, type Environment } from '../command.js';
import { UP_FILE, type UpFile } from '../rpc/broker-place.js';
import { checkBots, findPorts, type Supervision, superviseChildren } from '../supervised-children.js';
import { watchCode } from '../up/code-watch.js';
import { listenForCommands } from '../up/control-socket.js';
import { serveFigures } from '../up/figures-server.js';
import { findServers } from '../up/found-servers.js';
import { brokerAddressesOf, gatewayOrigins, nodeAddressesOf, upChildren, workerNames } from '../up/up-children.js';
import {
  broadcastNodesOf,
  checkTogether,
  controlSocket,
  rpcFolder,
  type UpPlan,
  upSettings,
} from '../up/up-settings.js';
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
    [
      'im up --engine redis --gateways 2',
      'no broadcast nodes: a Redis carries messages, one of its own if none is named',
    ],
    [
      'im up --engine nats --nats nats://10.0.0.7:4222 --redis redis://10.0.0.9:6379',
      'NATS carries messages, Redis has the logs',
    ],
    ['im update', 'updates the workers of a running im up; so does SIGHUP'],
  ],
  async run(config, environment) {
    checkBots(config, config.bots);
    checkTogether(config);
    findCells(config);
    // A second `im up` would take the sockets of the first: the lock comes before them.
    const folder = await openDataFolder(rpcFolder(config));
    const file = path.join(config.dataFolder, UP_FILE);
    const leave = async (): Promise<void> => {
      await rm(file, { force: true });
      await folder.close();
    };
    try {
      const { children: servers, ...urls } = await findServers(config, environment.variables);
      const gatewayPorts = await findPorts(config, config.gateways);
      const plan: UpPlan = { ...config, ...urls, broadcastNodes: broadcastNodesOf(config), gatewayPorts };
      const children = [...servers, ...upChildren(plan)];
      await writeFile(file, `${JSON.stringify(upFileOf(plan))}\n`, { mode: 0o600 });
      const supervision = await superviseChildren('up', config, children, environment, leave);
      if (supervision !== undefined) await attend(supervision, plan, environment);
    } catch (error) {
      await leave();
      throw error;
    }
  },
});

/** What `im up` does once all runs. @throws CommandError: then nothing runs any more */
async function attend(supervision: Supervision, plan: UpPlan, environment: Environment): Promise<void> {
  try {
    await takeUpdates(supervision, plan);
    const figures = plan.metricsPort === undefined ? undefined : await serveFigures(supervision, plan);
    const gateways = gatewayOrigins(plan);
    const [origin = ''] = gateways;
    const brokers = brokerAddressesOf(plan);
    const { engine, json } = plan;
    if (json) supervision.logger.info('ready', { origin, gateways, brokers, engine, figures });
    else environment.print(welcomeText({ ...plan, origin, gateways, room: DEFAULT_ROOM, brokers, figures }));
  } catch (error) {
    await supervision.shutdown.stop(undefined, 1);
    throw error;
  }
}

function upFileOf(plan: UpPlan): UpFile {
  const { engine, keysFolder } = plan;
  return {
    brokers: brokerAddressesOf(plan),
    nodes: nodeAddressesOf(plan),
    engine,
    keysFolder: keysFolder === undefined ? undefined : path.resolve(keysFolder),
  };
}

/** On command, on SIGHUP and, if wanted, when code changes. */
async function takeUpdates({ supervisor, shutdown, logger }: Supervision, plan: UpPlan): Promise<void> {
  const updates = new WorkerUpdates({ supervisor, workers: workerNames(plan), logger });
  const onHangup = (): void => {
    if (hasLostTerminal()) void shutdown.stop('the terminal was closed');
    else void updates.request('SIGHUP');
  };
  process.on('SIGHUP', onHangup);
  shutdown.add({ name: 'SIGHUP', stop: () => void process.off('SIGHUP', onHangup) });
  const control = await listenForCommands(controlSocket(plan), () => updates.request('im update'));
  shutdown.add({ name: 'control', stop: () => control.close() });
  if (!plan.watch) return;
  const watch = watchCode({
    folders: codeFolders(plan),
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
function codeFolders({ workerProgram }: UpPlan): string[] {
  if (workerProgram !== undefined) return [path.dirname(path.resolve(workerProgram))];
  const services = createRequire(import.meta.url).resolve('@im/workers');
  return [path.dirname(services), path.dirname(process.argv[1] as string)];
}
