/**
 * A logger that says the same thing at most once a second, and then how often it did not: what one bad worker or a verifier that is
 * away causes for every call or hello must not fill disks. Messages are constants of this package, so there are few.
 */
import type { Clock, LogFields, Logger } from '@im/protocol/ports';

const PAUSE_MS = 1_000;

interface Said {
  at: number;
  suppressed: number;
}

export class QuietLogger implements Logger {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #said = new Map<string, Said>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  debug(message: string, fields?: LogFields): void {
    this.#say('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#say('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#say('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#say('error', message, fields);
  }

  #say(level: keyof Logger, message: string, fields: LogFields | undefined): void {
    const now = this.#clock.monotonic();
    const said = this.#said.get(message);
    if (said && now - said.at < PAUSE_MS) {
      said.suppressed++;
      return;
    }
    this.#said.set(message, { at: now, suppressed: 0 });
    this.#logger[level](message, said && said.suppressed > 0 ? { ...fields, suppressed: said.suppressed } : fields);
  }
}
