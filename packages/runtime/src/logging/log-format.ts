/** Owns: how one log record looks as a line. Pure. */
import type { LogFields } from '../ports.js';
import { plainValue } from './plain-value.js';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogRecord {
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A record as one line without its line break. */
export type LogFormat = (record: LogRecord) => string;

const RESERVED = new Set(['time', 'level', 'message']);

/** One JSON object a line; `time` is ISO 8601. A field that has a reserved name gets an underscore. */
export const jsonFormat: LogFormat = ({ time, level, message, fields }) => {
  const line: Record<string, unknown> = { time: new Date(time).toISOString(), level, message: plainValue(message) };
  for (const [name, value] of Object.entries(fields)) line[RESERVED.has(name) ? `${name}_` : name] = plainValue(value);
  return JSON.stringify(line);
};

const COLOURS: Record<LogLevel, string> = { debug: '90', info: '36', warn: '33', error: '31' };

/** For people: `12:03:04.250 INFO  listening port=8080`, stacks on lines of their own. */
export function readableFormat({ colour }: { colour: boolean }): LogFormat {
  const paint = (code: string, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);
  return ({ time, level, message, fields }) => {
    const stacks: string[] = [];
    const shown = Object.entries(fields).map(([name, value]) => {
      if (value instanceof Error && value.stack !== undefined) stacks.push(value.stack.replace(/^/gm, '    '));
      return paint('90', ` ${name}=`) + fieldText(value);
    });
    const clock = new Date(time).toISOString().slice(11, 23);
    const head = `${paint('90', clock)} ${paint(COLOURS[level], level.toUpperCase().padEnd(5))} ${oneLine(message)}`;
    return [head + shown.join(''), ...stacks].join('\n');
  };
}

function fieldText(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(plainValue(value.message));
  const plain = plainValue(value);
  return typeof plain === 'string' && /^[\w.:/@+-]+$/.test(plain) ? plain : (JSON.stringify(plain) ?? 'undefined');
}

/** Control characters could forge lines or drive a terminal. */
function oneLine(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are to be found
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (character) => JSON.stringify(character).slice(1, -1));
}
