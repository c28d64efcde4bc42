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
import { RunningUp } from '../up/running-up.js';
import {
  brokerAddressesOf,
  gatewayOrigins,
  managerOrigins,
  nodeAddressesOf,
  type UpChild,
  upChildren,
} from '../up/up-children.js';
import {
  broadcastNodesOf,
  checkTogether,
  controlSocket,
  rpcFolder,
  type UpPlan,
  upSettings,
} from '../up/up-settings.js';
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
    ['im status; im scale workers=4; im update; im down', 'beside it: shows, changes, updates and stops it'],
  ],
  async run(config, environment) {
    checkBots(config, config.bots);
    checkTogether(config);
    findCells(config);
    // A second `im up` would take the sockets of the first: the lock comes before them.
    const folder = await openDataFolder(rpcFolder(config));
    const file = path.join(config.dataFolder, UP_FILE);
    const writeFileOf = (plan: UpPlan) => writeFile(file, `${JSON.stringify(upFileOf(plan))}\n`, { mode: 0o600 });
    const leave = async (): Promise<void> => {
      await rm(file, { force: true });
      await folder.close();
    };
    let plan: UpPlan;
    let servers: readonly UpChild[];
    let children: UpChild[];
    try {
      const { children: found, ...urls } = await findServers(config, environment.variables);
      const gatewayPorts = await findPorts(config, config.gateways);
      const managerAddress = { host: config.host, port: config.managerPort, flag: '--manager-port' };
      const managerPorts = await findPorts(managerAddress, config.managers);
      plan = { ...config, ...urls, broadcastNodes: broadcastNodesOf(config), gatewayPorts, managerPorts };
      servers = found;
      children = [...servers, ...upChildren(plan)];
      await writeFileOf(plan);
    } catch (error) {
      await leave();
      throw error;
    }
    let tellEnded = (): void => {};
    const stopped = new Promise<void>((resolve) => {
      tellEnded = resolve;
    });
    let running: RunningUp | undefined;
    const specs = children.map(({ spec }) => spec);
    const supervision = await superviseChildren('up', config, specs, environment, {
      async prepare(supervised) {
        running = new RunningUp({
          supervision: supervised,
          servers,
          plan,
          onPlan: writeFileOf,
          stopped,
        });
        const control = await listenForCommands(controlSocket(plan), running);
        supervised.shutdown.add({ name: 'control', stop: () => control.close() });
      },
      async onStopped() {
        await leave();
        tellEnded();
      },
    });
    if (supervision !== undefined && running !== undefined) await attend(supervision, running, environment);
  },
});

/** What `im up` does once all runs. @throws CommandError: then nothing runs any more */
async function attend(supervision: Supervision, running: RunningUp, environment: Environment): Promise<void> {
  const { plan } = running;
  try {
    running.started();
    watchForUpdates(supervision, running);
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
    managers: managerOrigins(plan),
    engine,
    keysFolder: keysFolder === undefined ? undefined : path.resolve(keysFolder),
  };
}

/** On SIGHUP and, if wanted, when code changes. */
function watchForUpdates({ shutdown, logger }: Supervision, running: RunningUp): void {
  const onHangup = (): void => {
    if (hasLostTerminal()) void shutdown.stop('the terminal was closed');
    else void running.update('SIGHUP');
  };
  process.on('SIGHUP', onHangup);
  shutdown.add({ name: 'SIGHUP', stop: () => void process.off('SIGHUP', onHangup) });
  if (!running.plan.watch) return;
  const watch = watchCode({
    folders: codeFolders(running.plan),
    clock: systemClock,
    onChange: () => void running.update('changed code'),
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
