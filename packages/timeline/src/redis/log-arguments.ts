/** What the scripts of logs are told beside what they are to do: keys, how much is kept, what was acknowledged, what the server keeps. */
import type { Position } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { Retention } from '../retention.js';
import type { AcknowledgedVersions } from './acknowledged-versions.js';
import type { ServerSafety } from './server-safety.js';

export interface LogArgumentsOptions {
  readonly prefix: string;
  readonly retentionOf: (group: string) => Retention;
  readonly acknowledged: AcknowledgedVersions;
  readonly safety: ServerSafety;
  /** Undefined: the server's. */
  readonly clock: Clock | undefined;
}

const NOTHING_SEEN: Position = { epoch: '', version: 0 };

export class LogArguments {
  /** What keys of shared bodies begin with. */
  readonly bodyKeys: string;
  readonly #options: LogArgumentsOptions;

  constructor(options: LogArgumentsOptions) {
    this.#options = options;
    this.bodyKeys = `${options.prefix}:body:`;
  }

  /** The first arguments of every script. */
  circumstances(): [now: string | number, isFlushed: number] {
    const { clock, safety } = this.#options;
    return [clock?.now() ?? '', safety.flushed ? 1 : 0];
  }

  /** All keys of a log carry the same tag: one slot of a Cluster. */
  keysOf(group: string): [head: string, entries: string, ids: string] {
    const key = `${this.#options.prefix}:log:{${group}}`;
    return [`${key}:h`, `${key}:e`, `${key}:i`];
  }

  /** What was acknowledged of a log. */
  seen(group: string): Position {
    return this.#options.acknowledged.get(group) ?? NOTHING_SEEN;
  }

  /** What every script is told of a log. @param seen as {@link LogArguments.seen} */
  terms(group: string, { epoch, version }: Position): Buffer {
    const { maxEntries, maxBytes, maxAgeMs } = this.#options.retentionOf(group);
    const terms = Buffer.allocUnsafe(32 + epoch.length);
    terms.writeDoubleBE(maxEntries, 0);
    terms.writeDoubleBE(maxBytes, 8);
    terms.writeDoubleBE(maxAgeMs, 16);
    terms.writeDoubleBE(version, 24);
    terms.write(epoch, 32, 'latin1');
    return terms;
  }
}
