/** Owns: the Logger that apps hand to everything. Small, synchronous, never throws. */
import { systemClock } from '../clock.js';
import type { LogFields, Logger } from '../ports.js';
import { jsonFormat, type LogFormat, type LogLevel, readableFormat } from './log-format.js';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const satisfies readonly LogLevel[];

export interface AppLogger extends Logger {
  /** The same log with fields that every line carries. */
  with(fields: LogFields): AppLogger;
}

export interface LoggerOptions {
  /** Lines below it are not made at all. */
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** Gets whole lines, each with its line break. */
  readonly write: (line: string) => void;
  readonly fields?: LogFields;
  /** Wall clock. */
  readonly now?: () => number;
}

export function createLogger(options: LoggerOptions): AppLogger {
  const { level, format, write, fields: own = {}, now = systemClock.now } = options;
  const lowest = LOG_LEVELS.indexOf(level);
  const logAt = (at: LogLevel): Logger[LogLevel] => {
    if (LOG_LEVELS.indexOf(at) < lowest) return () => {};
    return (message, fields) => {
      write(`${format({ time: now(), level: at, message, fields: fields ? { ...own, ...fields } : own })}\n`);
    };
  };
  return {
    debug: logAt('debug'),
    info: logAt('info'),
    warn: logAt('warn'),
    error: logAt('error'),
    with: (fields) => createLogger({ ...options, fields: { ...own, ...fields } }),
  };
}

/** What of `process.stdout` or `process.stderr` a log needs. */
export interface LogStream {
  readonly isTTY?: boolean;
  write(text: string): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

export interface ProcessLoggerOptions {
  readonly level: LogLevel;
  /** JSON lines instead of readable ones. */
  readonly json: boolean;
  readonly stream: LogStream;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly fields?: LogFields;
}

/** The log of a process. A reader that went away (a closed pipe) silences it instead of ending the process. */
export function createProcessLogger({ level, json, stream, environment, fields }: ProcessLoggerOptions): AppLogger {
  let open = true;
  stream.on('error', () => {
    open = false;
  });
  return createLogger({
    level,
    format: json ? jsonFormat : readableFormat({ colour: wantsColour(stream, environment) }),
    write: (line) => {
      if (open) stream.write(line);
    },
    ...(fields && { fields }),
  });
}

/** Colours only on a terminal that can show them; NO_COLOR (no-color.org) forbids, FORCE_COLOR asks for them. */
export function wantsColour(
  stream: Pick<LogStream, 'isTTY'>,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (environment.NO_COLOR) return false;
  if (environment.FORCE_COLOR && environment.FORCE_COLOR !== '0') return true;
  return stream.isTTY === true && environment.TERM !== 'dumb';
}
