/** Owns: handing settings on to a child process. */
import { type Config, flagName, type Settings } from './setting.js';

/**
 * The flags that give a child these values. Secrets are left out: a child has them from the environment or the file.
 * The inverse of reading them: `readConfig(settings, { arguments: toArguments(settings, values), … })` is `values`.
 */
export function toArguments<Declared extends Settings>(settings: Declared, values: Config<Declared>): string[] {
  return Object.entries(settings).flatMap(([key, declared]) => {
    const value: unknown = values[key];
    if (declared.secret || value === undefined) return [];
    return [`--${flagName(key, declared)}=${Array.isArray(value) ? value.join(',') : String(value)}`];
  });
}
