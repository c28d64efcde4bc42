/** Owns: how the processes of the command log. */
import { type AppLogger, type Config, createProcessLogger } from '@im/runtime';
import type { Environment } from './command.js';
import type { loggingSettings } from './settings.js';

/** @param name told in each line where machines read them; for people the supervisor puts it in front */
export function createProcessLog(
  name: string,
  { logLevel, json }: Config<typeof loggingSettings>,
  { variables }: Environment,
): AppLogger {
  const fields = json ? { process: name } : {};
  return createProcessLogger({ level: logLevel, json, stream: process.stdout, environment: variables, fields });
}
