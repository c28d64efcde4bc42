/** Owns: the text of `--help`, made from the declaration, so that it cannot be out of date. */
import { CONFIG_FILE } from './read-config.js';
import { DEFAULT_PREFIX, flagName, type Setting, type Settings, variableName } from './setting.js';
import { valueTypeOf } from './value-type.js';

export interface CommandDescription {
  /** As typed: `im serve`. */
  readonly name: string;
  /** One line, or a few. */
  readonly summary: string;
  readonly settings: Settings;
  /** Whole command lines, each with what it does. */
  readonly examples: readonly (readonly [command: string, what: string])[];
  readonly prefix?: string;
}

export function helpText({ name, summary, settings, examples, prefix = DEFAULT_PREFIX }: CommandDescription): string {
  const rows = Object.entries({ ...settings, config: CONFIG_FILE }).map(([key, declared]) =>
    row(key, declared, prefix),
  );
  rows.push(['--help', 'print this text', '']);
  const width = Math.max(...rows.map(([flag]) => flag.length));
  const options = rows.flatMap(([flag, description, notes]) => [
    `  ${flag.padEnd(width)}  ${description}`,
    ...(notes === '' ? [] : [`  ${' '.repeat(width)}  ${notes}`]),
  ]);
  const exampleWidth = Math.max(0, ...examples.map(([command]) => command.length));
  return [
    `${name}: ${summary}`,
    '',
    `Usage: ${[name, ...operandsOf(settings), '[options]'].join(' ')}`,
    '',
    'Options:',
    ...options,
    '',
    'Examples:',
    ...examples.map(([command, what]) => `  ${command.padEnd(exampleWidth)}  # ${what}`),
    '',
    'A flag wins over its environment variable, that over the file, that over the default.',
    '',
  ].join('\n');
}

/** Whether the arguments ask for help instead of anything else. */
export function asksForHelp(args: readonly string[]): boolean {
  return args.includes('--help') || args.includes('-h');
}

/** `<method> [input]`: brackets around what may be left out. */
function operandsOf(settings: Settings): string[] {
  return Object.entries(settings).flatMap(([key, { operand, schema, placeholder = key }]) => {
    if (operand !== true) return [];
    const rest = valueTypeOf(schema).kind === 'list' ? '…' : '';
    return [schema.safeParse(undefined).success ? `[${placeholder}${rest}]` : `<${placeholder}${rest}>`];
  });
}

function row(key: string, declared: Setting, prefix: string): [flag: string, description: string, notes: string] {
  const type = valueTypeOf(declared.schema);
  const variable = variableName(prefix, key, declared);
  const usual = type.defaultValue === undefined || type.defaultValue === false ? '' : String(type.defaultValue);
  const isFlag = declared.secret !== true && declared.operand !== true;
  const notes = [type.expected, usual === '' ? '' : `default ${usual}`, isFlag ? variable : ''];
  if (declared.operand) return [declared.placeholder ?? key, declared.description, notesOf(notes)];
  const flag = declared.secret
    ? variable
    : `--${flagName(key, declared)}${type.kind === 'boolean' ? '' : ` <${declared.placeholder ?? type.kind}>`}`;
  return [flag, declared.description, notesOf(notes)];
}

function notesOf(notes: readonly string[]): string {
  return `(${notes.filter((note) => note !== '').join('; ')})`;
}
