/** Owns: handing settings on to a child process. */
import { CONFIG_FILE } from './read-config.js';
import { type Config, DEFAULT_PREFIX, flagName, type Settings, variableName } from './setting.js';

export interface HandedOn {
  readonly arguments: readonly string[];
  /**
   * Secrets and what may hold them, which other users of the host must not see in the list of processes. Undefined: the variable must not be
   * there, nor the file that one names: what has no value here would otherwise be taken from what the child inherits.
   */
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The inverse of reading: `readConfig(settings, handOn(settings, values))` is `values`. */
export function handOn<Declared extends Settings>(
  settings: Declared,
  values: Config<Declared>,
  prefix: string = DEFAULT_PREFIX,
): HandedOn {
  const args: string[] = [];
  const environment: Record<string, string | undefined> = { [variableName(prefix, 'config', CONFIG_FILE)]: undefined };
  for (const [key, declared] of Object.entries(settings)) {
    const value: unknown = values[key];
    const variable = variableName(prefix, key, declared);
    if (value === undefined) {
      environment[variable] = undefined;
      continue;
    }
    const text = Array.isArray(value) ? value.join(',') : String(value);
    if (declared.secret || declared.sensitive) environment[variable] = text;
    else args.push(`--${flagName(key, declared)}=${text}`);
  }
  return { arguments: args, environment };
}
