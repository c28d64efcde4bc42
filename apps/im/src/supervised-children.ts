/** Owns: running the processes of a server under one supervisor, and telling people what becomes of them. */
import { createServer } from 'node:http';
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
import { closeServer, listen } from './http/listen.js';
import { createProcessLog } from './process-log.js';
import { originOf, reachableHosts } from './server/own-origins.js';
import { chooseSignIn } from './server/sign-in.js';
import type { ServerConfig } from './settings.js';

/** Longer than the deadlines of any child's own shutdown together. */
const FREE_PORT_ATTEMPTS = 20;
const CHILD_STOP_MS = 20_000;

export interface Supervision {
  readonly logger: AppLogger;
  readonly shutdown: Shutdown;
  readonly supervisor: Supervisor;
}

/**
 * @param children one after the other, each ready before the next
 * @param onStopped when all have ended
 * @returns undefined when it was told to stop meanwhile
 */
export async function superviseChildren(
  name: string,
  config: ServerConfig,
  children: readonly ChildSpec[],
  environment: Environment,
  onStopped: () => Promise<void> = async () => {},
): Promise<Supervision | undefined> {
  const logger = createProcessLog(name, config, environment);
  const colour = hasColour(environment);
  const shutdown = createShutdown({ logger });
  let started = false;
  const supervisor = createSupervisor(
    children.map((spec) => ({ ...spec, env: { ...spec.env, ...(colour && { FORCE_COLOR: '1' }) } })),
    {
      onEvent(event) {
        // A child that fails before that is told by the error of `start` below.
        if (event.kind === 'failed' && !started) return;
        tellSupervision(event, { logger, json: config.json, colour });
        if (event.kind === 'failed') void shutdown.stop(`${event.child} failed`, 1);
      },
    },
  );
  shutdown.add({ name: 'what is left', stop: onStopped });
  // Steps have their own deadlines, child by child.
  shutdown.add({ name: 'children', stop: () => supervisor.stop(), deadlineMs: (children.length + 1) * CHILD_STOP_MS });
  shutdown.listen();
  try {
    await supervisor.start();
    started = true;
  } catch (error) {
    if (shutdown.stopping) return undefined;
    throw new CommandError((error as Error).message, 1, { cause: error });
  }
  return { logger, shutdown, supervisor };
}

function hasColour({ variables }: Environment): boolean {
  return wantsColour(process.stdout, variables);
}

/** A command of this program as a child. */
export function childOf(command: string, handedOn: ReturnType<typeof handOn>, name: string = command): ChildSpec {
  return {
    name,
    command: process.execPath,
    // This command itself, by the path under which it was started.
    args: [process.argv[1] as string, command, ...handedOn.arguments],
    env: handedOn.environment,
    ready: { by: 'ipc' },
    stopTimeoutMs: CHILD_STOP_MS,
  };
}

/**
 * With the port to use, the first of as many as are needed. Tried here, so that a mistake is one line and not a child that fails.
 * @throws CommandError
 */
export async function withFreePorts<Config extends ServerConfig>(config: Config, count = 1): Promise<Config> {
  for (let attempt = 1; ; attempt++) {
    try {
      const first = await tried(config);
      for (let next = 1; next < count; next++) await tried({ ...config, port: first + next });
      return { ...config, port: first };
    } catch (error) {
      // Of free ports the ones above may be taken.
      if (config.port === 0 && attempt < FREE_PORT_ATTEMPTS) continue;
      throw error instanceof CommandError ? new CommandError(error.message, 1, { cause: error }) : error;
    }
  }
}

async function tried(config: ServerConfig): Promise<number> {
  const server = createServer();
  try {
    return await listen(server, config, () => {});
  } finally {
    await closeServer(server, systemClock);
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
