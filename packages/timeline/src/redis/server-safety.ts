/** What a Redis server does with what it acknowledged, by its own configuration. */
import { ImError } from '@im/protocol';
import type { Logger } from '@im/protocol/ports';
import type { RedisConnection } from '@im/redis';

const SETTINGS = ['appendonly', 'appendfsync', 'save', 'maxmemory', 'maxmemory-policy'] as const;

type Settings = Readonly<Record<(typeof SETTINGS)[number], string>>;

export class ServerSafety {
  readonly #logger: Logger;
  #flushed = false;
  #warned = '';

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** Every write is on the disk before it is acknowledged, at every master. */
  get flushed(): boolean {
    return this.#flushed;
  }

  /** Asks anew; warns once about what an operator would want to know. */
  async ask(connection: RedisConnection): Promise<void> {
    const settings = await settingsOf(connection);
    this.#flushed =
      settings.length > 0 &&
      settings.every(({ appendonly, appendfsync }) => appendonly === 'yes' && appendfsync === 'always');
    const warnings = [...new Set(settings.flatMap(warningsOf))];
    if (settings.length === 0) warnings.push('it does not tell its configuration: nothing is known of what it keeps');
    const warned = warnings.join('; ');
    if (warned === this.#warned) return;
    this.#warned = warned;
    for (const warning of warnings) this.#logger.warn(`Redis: ${warning}`, { address: connection.address });
  }
}

/** Of each master; empty where asking is forbidden, as hosted servers do. */
async function settingsOf(connection: RedisConnection): Promise<Settings[]> {
  try {
    const bySetting = await Promise.all(SETTINGS.map((setting) => connection.ask('CONFIG', 'GET', setting)));
    const masters = bySetting[0]?.length ?? 0;
    return Array.from(
      { length: masters },
      (_, master) =>
        Object.fromEntries(SETTINGS.map((setting, i) => [setting, settingIn(bySetting[i]?.[master])])) as Settings,
    );
  } catch (error) {
    if (error instanceof ImError && error.name === 'STORE_UNAVAILABLE') throw error;
    return [];
  }
}

/** The reply is a list of names and values. */
function settingIn(reply: unknown): string {
  return Array.isArray(reply) ? String(reply[1] ?? '') : '';
}

function warningsOf(settings: Settings): string[] {
  const warnings: string[] = [];
  if (settings.appendonly !== 'yes' && settings.save === '') {
    warnings.push('it keeps nothing (appendonly no, no save): what was acknowledged is gone when it ends');
  }
  if (settings.maxmemory !== '0' && settings['maxmemory-policy'] !== 'noeviction') {
    warnings.push(`it may give up logs for room (maxmemory-policy ${settings['maxmemory-policy']}); set noeviction`);
  }
  return warnings;
}
