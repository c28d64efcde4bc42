/**
 * Owns: collecting what flags, environment and file give for each setting, and finding names that nobody knows.
 * Does not judge values.
 */
import { parseArgs } from 'node:util';
import type { ConfigMistake } from './config-error.js';
import { nearestName } from './nearest-name.js';
import { flagName, namedSettings, type Settings, variableName } from './setting.js';
import type { ValueType } from './value-type.js';

export interface Given {
  readonly value: unknown;
  /** `--port`, `IM_PORT` or the file's name. */
  readonly source: string;
}

export interface Collected {
  /** By key. */
  readonly given: ReadonlyMap<string, Given>;
  readonly mistakes: readonly ConfigMistake[];
}

export type ValueTypes = ReadonlyMap<string, ValueType>;

export function fromArguments(args: readonly string[], settings: Settings, types: ValueTypes): Collected {
  const keys = new Map(
    Object.entries(namedSettings(settings)).map(([key, declared]) => [flagName(key, declared), key]),
  );
  const operands = Object.keys(settings).filter((key) => settings[key]?.operand);
  const isSwitch = (key: string): boolean => types.get(key)?.kind === 'boolean';
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(
      [...keys].map(([flag, key]) => [flag, { type: isSwitch(key) ? ('boolean' as const) : ('string' as const) }]),
    ),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const given = new Map<string, Given>();
  const mistakes: ConfigMistake[] = [];
  let afterUnknown = false;
  for (const token of tokens) {
    // What follows an unknown flag is most likely its value.
    if (token.kind === 'positional' && !afterUnknown) {
      const [key] = operands;
      if (key === undefined) {
        mistakes.push({ path: token.value, expected: 'unexpected argument; settings are given as --name value' });
      } else if (types.get(key)?.kind === 'list') {
        const before = (given.get(key)?.value ?? []) as readonly unknown[];
        given.set(key, { value: [...before, token.value], source: `<${key}>` });
      } else {
        given.set(key, { value: types.get(key)?.fromText(token.value), source: `<${key}>` });
        operands.shift();
      }
    }
    afterUnknown = false;
    if (token.kind !== 'option') continue;
    const off = token.name.startsWith('no-') && !keys.has(token.name);
    const key = keys.get(off ? token.name.slice(3) : token.name);
    const source = token.rawName;
    const declared = key === undefined ? undefined : settings[key];
    if (key === undefined || declared === undefined || declared.secret || (off && !isSwitch(key))) {
      afterUnknown = token.inlineValue !== true;
      const known = [...keys].filter(([, name]) => !settings[name]?.secret).map(([flag]) => `--${flag}`);
      mistakes.push({
        path: source,
        expected: declared?.secret ? 'a secret is never given as a flag' : unknownName('flag', source, known),
      });
    } else if (isSwitch(key)) {
      given.set(key, { value: token.value === undefined ? !off : types.get(key)?.fromText(token.value), source });
    } else if (token.value === undefined || (!token.inlineValue && token.value.startsWith('--'))) {
      mistakes.push({ path: source, expected: `needs a value: ${types.get(key)?.expected ?? 'text'}` });
    } else {
      given.set(key, { value: types.get(key)?.fromText(token.value), source });
    }
  }
  return { given, mistakes };
}

/** Empty variables count as not given, as compose files and shells make them. */
export function fromEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  prefix: string,
  settings: Settings,
  alsoKnown: Settings,
  types: ValueTypes,
): Collected {
  const variables = new Map(
    Object.entries(namedSettings({ ...alsoKnown, ...settings })).map(([key, it]) => [
      variableName(prefix, key, it),
      key,
    ]),
  );
  const given = new Map<string, Given>();
  const mistakes: ConfigMistake[] = [];
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(prefix) || text === undefined || text === '') continue;
    const key = variables.get(name);
    if (key === undefined) {
      mistakes.push({ path: name, expected: unknownName('variable', name, variables.keys()) });
    } else if (key in settings) {
      given.set(key, { value: types.get(key)?.fromText(text), source: name });
    }
  }
  return { given, mistakes };
}

/** @param content parsed JSON of the file */
export function fromFile(content: unknown, file: string, settings: Settings, alsoKnown: Settings): Collected {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    return { given: new Map(), mistakes: [{ path: file, expected: 'must hold one JSON object' }] };
  }
  const given = new Map<string, Given>();
  const mistakes: ConfigMistake[] = [];
  const known = Object.keys(namedSettings({ ...alsoKnown, ...settings }));
  for (const [key, value] of Object.entries(content)) {
    if (Object.hasOwn(namedSettings(settings), key)) given.set(key, { value, source: file });
    else if (!known.includes(key))
      mistakes.push({ path: key, expected: unknownName('setting', key, known), source: file });
  }
  return { given, mistakes };
}

function unknownName(what: string, name: string, known: Iterable<string>): string {
  const nearest = nearestName(name, known);
  return nearest === undefined ? `unknown ${what}` : `unknown ${what}; did you mean ${nearest}?`;
}
