/** A logger that keeps what it was told, for tests. */
import type { LogFields, Logger } from '../ports.js';

export interface LogRecord {
  readonly level: keyof Logger;
  readonly message: string;
  readonly fields: LogFields;
}

export class RecordingLogger implements Logger {
  readonly records: LogRecord[] = [];

  debug = (message: string, fields: LogFields = {}): void =>
    void this.records.push({ level: 'debug', message, fields });
  info = (message: string, fields: LogFields = {}): void => void this.records.push({ level: 'info', message, fields });
  warn = (message: string, fields: LogFields = {}): void => void this.records.push({ level: 'warn', message, fields });
  error = (message: string, fields: LogFields = {}): void =>
    void this.records.push({ level: 'error', message, fields });
}
