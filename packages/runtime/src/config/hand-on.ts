/** Owns: handing settings on to a child process. */
import { type Config, DEFAULT_PREFIX, flagName, type Settings, variableName } from './setting.js';

export interface HandedOn {
  readonly arguments: readonly string[];
  /** Secrets and what may hold them, which other users of the host must not see in the list of processes. */
  readonly environment: Readonly<Record<string, string>>;
}

/** The inverse of reading: `readConfig(settings, handOn(settings, values))` is `values`. */
export function handOn<Declared extends Settings>(
  settings: Declared,
  values: Config<Declared>,
  prefix: string = DEFAULT_PREFIX,
): HandedOn {
  const args: string[] = [];
  const environment: Record<string, string> = {};
  for (const [key, declared] of Object.entries(settings)) {
    const value: unknown = values[key];
    if (value === undefined) continue;
    const text = Array.isArray(value) ? value.join(',') : String(value);
    if (declared.secret || declared.sensitive) environment[variableName(prefix, key, declared)] = text;
    else args.push(`--${flagName(key, declared)}=${text}`);
  }
  return { arguments: args, environment };
}
