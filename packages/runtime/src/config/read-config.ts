/** Owns: turning flags, environment and file into one checked object, once, at start. Reads nothing by itself but the file. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError, type ConfigMistake } from './config-error.js';
import { type Collected, fromArguments, fromEnvironment, fromFile, type Given } from './given.js';
import {
  type Config,
  DEFAULT_PREFIX,
  flagName,
  type Setting,
  type Settings,
  setting,
  variableName,
} from './setting.js';
import { type ValueType, valueTypeOf } from './value-type.js';

/** Every command has it: the file with further settings. */
export const CONFIG_FILE = setting(z.string().min(1).optional(), {
  description: 'JSON file with settings by their names in this list, without dashes: {"port":8080}',
  placeholder: 'file',
});

export interface ConfigSources {
  /** Without program and command: `process.argv.slice(3)`. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Of environment variables. Default: `IM_`; any other variable with it must be a known one. */
  readonly prefix?: string;
  /** Settings of sibling commands: their variables and file entries are not this command's, but no mistakes either. */
  readonly alsoKnown?: Settings;
}

/**
 * The values of all settings: a flag wins over the environment, that over the file, that over the default.
 * @throws ConfigError naming every mistake, not only the first
 */
export function readConfig<Declared extends Settings>(declared: Declared, sources: ConfigSources): Config<Declared> {
  const { prefix = DEFAULT_PREFIX, alsoKnown = {} } = sources;
  const settings: Settings = { ...declared, config: CONFIG_FILE };
  const types = new Map(Object.entries(settings).map(([key, { schema }]) => [key, valueTypeOf(schema)]));

  const flags = fromArguments(sources.arguments, settings, types);
  const variables = fromEnvironment(sources.environment, prefix, settings, alsoKnown, types);
  const file = fileNamedBy(flags.given.get('config') ?? variables.given.get('config'), declared, alsoKnown);
  const mistakes = [...flags.mistakes, ...variables.mistakes, ...file.mistakes];

  const values: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(declared)) {
    const given = flags.given.get(key) ?? variables.given.get(key) ?? file.given.get(key);
    const result = one.schema.safeParse(given?.value);
    if (result.success) values[key] = result.data;
    else mistakes.push(...mistakesOf(key, one, given, result.error, types.get(key), prefix));
  }
  if (mistakes.length > 0) throw new ConfigError(mistakes);
  return values as Config<Declared>;
}

function fileNamedBy(named: Given | undefined, settings: Settings, alsoKnown: Settings): Collected {
  if (named === undefined) return { given: new Map(), mistakes: [] };
  const file = String(named.value);
  try {
    return fromFile(JSON.parse(readFileSync(file, 'utf8')), file, settings, alsoKnown);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return {
      given: new Map(),
      mistakes: [{ path: 'config', expected: `cannot be read: ${why}`, source: named.source }],
    };
  }
}

function mistakesOf(
  key: string,
  declared: Setting,
  given: Given | undefined,
  error: z.ZodError,
  type: ValueType | undefined,
  prefix: string,
): ConfigMistake[] {
  const variable = variableName(prefix, key, declared);
  const settable = declared.operand
    ? `<${key}>`
    : declared.secret
      ? variable
      : `--${flagName(key, declared)} or ${variable}`;
  const paths = new Set(error.issues.map(({ path }) => key + path.map((part) => `[${String(part)}]`).join('')));
  return [...paths].map((path) => ({
    path,
    expected: type?.expected ?? 'another value',
    settable,
    ...(given !== undefined && {
      given: declared.secret || declared.sensitive ? '***' : JSON.stringify(given.value),
      source: given.source,
    }),
  }));
}
