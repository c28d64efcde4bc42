/**
 * Owns: what a setting is, and its names. A declaration is an object of settings; its keys are the names in code and in
 * the configuration file, carry their unit (`pingIntervalMs`), and give the flag and the environment variable.
 */
import type { z } from 'zod';

/** Of environment variables. */
export const DEFAULT_PREFIX = 'IM_';

export interface SettingOptions {
  /** One line for `--help`. */
  readonly description: string;
  /** Never shown, and never taken from the command line, where every user of the host could read it. */
  readonly secret?: boolean;
  /** It may hold a secret, as a URL with a password does: never shown, and handed on by variable; whoever has nothing to hide may give a flag. */
  readonly sensitive?: boolean;
  /** Instead of the name made from the key, without dashes: `data`. */
  readonly flag?: string;
  /** Given by its place instead of a name: `call <method>`; in the order of the declaration, a list takes the rest. */
  readonly operand?: boolean;
  /** How the value is called in `--help`: `folder`. Default: from the type. */
  readonly placeholder?: string;
}

export interface Setting<Schema extends z.ZodType = z.ZodType> extends SettingOptions {
  readonly schema: Schema;
}

export type Settings = Readonly<Record<string, Setting>>;

/** The values of a declaration. */
export type Config<Declared extends Settings> = {
  readonly [Key in keyof Declared]: z.output<Declared[Key]['schema']>;
};

/** One setting: a zod schema of its value (with `.default()` or `.optional()` unless it is required) and what to say of it. */
export function setting<Schema extends z.ZodType>(schema: Schema, options: SettingOptions): Setting<Schema> {
  return { schema, ...options };
}

/** `pingIntervalMs` → `ping-interval-ms`. */
export function flagName(key: string, declared: Setting): string {
  return declared.flag ?? key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** `pingIntervalMs` → `IM_PING_INTERVAL_MS`: prefix and the flag's name. */
export function variableName(prefix: string, key: string, declared: Setting): string {
  return prefix + flagName(key, declared).replaceAll('-', '_').toUpperCase();
}

/** Those that have names outside the command line too. */
export function namedSettings(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([, { operand }]) => operand !== true));
}
