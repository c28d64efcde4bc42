/** Owns: running the processes of a server under one supervisor, and telling people what becomes of them. */
import { createServer, type Server } from 'node:http';
import { availableParallelism } from 'node:os';
import {
  type AppLogger,
  type ChildSpec,
  ConfigError,
  createShutdown,
  createSupervisor,
  type handOn,
  type Shutdown,
  type Supervisor,
  systemClock,
  wantsColour,
} from '@im/runtime';
import { CommandError, type Environment } from './command.js';
import { tellSupervision } from './commands/supervision-log.js';
import { type Address, closeServer, listen } from './http/listen.js';
import { createProcessLog } from './process-log.js';
import { originOf, reachableHosts } from './server/own-origins.js';
import { chooseSignIn } from './server/sign-in.js';
import type { ServerConfig } from './settings.js';

/** Longer than the deadlines of any child's own shutdown together. */
const CHILD_STOP_MS = 20_000;
/** Children have their own deadlines, one by one. */
const ALL_STOP_MS = 3_600_000;

export interface Supervision {
  readonly logger: AppLogger;
  readonly shutdown: Shutdown;
  readonly supervisor: Supervisor;
  /** As that of the supervisor, with what all children here get. */
  readonly arrange: Supervisor['arrange'];
}

export interface SupervisedLife {
  /** Before the first child is started; what it adds to the shutdown ends before the children do. */
  prepare?(supervision: Supervision): Promise<void>;
  /** When all have ended. */
  onStopped?(): Promise<void>;
}

/**
 * @param children one after the other, each ready before the next
 * @returns undefined when it was told to stop meanwhile
 * @throws CommandError when they cannot be started: then nothing runs any more
 */
export async function superviseChildren(
  name: string,
  config: ServerConfig,
  children: readonly ChildSpec[],
  environment: Environment,
  life: SupervisedLife = {},
): Promise<Supervision | undefined> {
  const logger = createProcessLog(name, config, environment);
  const colour = hasColour(environment);
  const shutdown = createShutdown({ logger });
  const foreign = new Set(children.filter(({ ready }) => ready.by !== 'ipc').map((child) => child.name));
  const tell = tellSupervision({ logger, json: config.json, colour, foreign });
  const coloured = (specs: readonly ChildSpec[]): ChildSpec[] =>
    specs.map((spec) => ({ ...spec, env: { ...spec.env, ...(colour && { FORCE_COLOR: '1' }) } }));
  const supervisor = createSupervisor(coloured(children), {
    onEvent(event) {
      // Otherwise whoever started it tells.
      if (event.kind === 'failed' && !event.wasReady) return;
      tell(event);
      if (event.kind === 'failed') void shutdown.stop(`${event.child} failed`, 1);
    },
  });
  shutdown.add({ name: 'what is left', stop: () => life.onStopped?.() });
  shutdown.add({ name: 'children', stop: () => supervisor.stop(), deadlineMs: ALL_STOP_MS });
  shutdown.listen();
  const arrange: Supervision['arrange'] = (specs, onStep) => supervisor.arrange(coloured(specs), onStep);
  const supervision = { logger, shutdown, supervisor, arrange };
  try {
    await life.prepare?.(supervision);
    await supervisor.start();
  } catch (error) {
    if (shutdown.stopping) return undefined;
    await shutdown.stop(undefined, 1);
    throw new CommandError((error as Error).message, 1, { cause: error });
  }
  return supervision;
}

function hasColour({ variables }: Environment): boolean {
  return wantsColour(process.stdout, variables);
}

/**
 * Where cores are so few, V8's helper threads for collecting garbage take from the other processes what they give to one: without them a busy
 * bus carries a fifth more. Where some are idle they make pauses shorter.
 */
const NODE_FLAGS: readonly string[] = availableParallelism() <= 2 ? ['--single-threaded-gc'] : [];

/** A command of this program as a child. */
export function childOf(command: string, handedOn: ReturnType<typeof handOn>, name: string = command): ChildSpec {
  return {
    name,
    command: process.execPath,
    // This command itself, by the path under which it was started.
    args: [...NODE_FLAGS, process.argv[1] as string, command, ...handedOn.arguments],
    env: handedOn.environment,
    ready: { by: 'ipc' },
    stopTimeoutMs: CHILD_STOP_MS,
  };
}

/**
 * Ports that can be listened on: the one that is set and those above it, or any free ones. Tried here, so that a mistake is one line
 * and not a child that fails.
 * @throws CommandError
 */
export async function findPorts({ host, port, flag }: Address, count = 1): Promise<number[]> {
  const servers: Server[] = [];
  try {
    const ports: number[] = [];
    // All are held until the last is found, so that no two are the same.
    for (let index = 0; index < count; index++) {
      const server = createServer();
      servers.push(server);
      ports.push(await listen(server, { host, port: port === 0 ? 0 : port + index, ...(flag && { flag }) }, () => {}));
    }
    return ports;
  } catch (error) {
    throw error instanceof CommandError ? new CommandError(error.message, 1, { cause: error }) : error;
  } finally {
    await Promise.all(servers.map((server) => closeServer(server, systemClock)));
  }
}

/** Where people find the server. */
export function shownOrigin({ host, port }: ServerConfig): string {
  return originOf(reachableHosts(host)[0] ?? host, port);
}

/** @throws ConfigError */
export function checkBots(config: ServerConfig, bots: number): void {
  if (chooseSignIn(config).by !== 'development' && bots > 0) {
    throw new ConfigError([{ path: 'bots', expected: 'simulated viewers need --development' }]);
  }
}
