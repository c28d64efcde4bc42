/**
 * Owns: which commands documents may name, and how each is proven to be there: its script, its file, its flags. A command that is not
 * known here fails.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { repository } from './documents.js';
import { imCommand } from './playground.js';
import type { Command } from './shell-commands.js';

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly scripts: Readonly<Record<string, string>>;
}

const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(path.join(repository, folder, 'package.json'), 'utf8')) as Manifest;

/** Scripts that end in a program of ours, whose flags are therefore ours to prove. */
const OWN_PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  start: [imCommand, 'start'],
  bench: [path.join(repository, 'bench/dist/main.js')],
};

/** @param folder of the document, from which files are named @throws Error saying what is not there */
export async function proveCommand([program, ...words]: Command, folder: string): Promise<void> {
  switch (program) {
    case 'npm':
      return await proveNpm(words);
    case 'im':
      return await proveIm(words);
    case 'npx':
      return proveFile(`node_modules/.bin/${words[0]}`, '.');
    case 'node':
      return proveFile(words[0] ?? '', folder);
    case 'php':
    case 'python3':
      return proveFile(words[0] ?? '', folder);
    case 'go':
      return proveGo(words, folder);
    case 'sudo':
      return provePackages(words);
    default:
      if (program.includes('/')) return proveFile(program, folder);
      throw new Error(
        `${program} is not known to the tests of documents: teach tests/docs/src/command-line.ts how to prove it`,
      );
  }
}

function proveGo([command, ...words]: readonly string[], folder: string): void {
  if (command === 'run') {
    proveFile(words[0] ?? '', folder);
    return;
  }
  const module = /^module (\S+)$/m.exec(readFileSync(path.join(repository, 'clients/go/go.mod'), 'utf8'))?.[1] ?? '';
  if (!words.some((word) => word.includes(module))) throw new Error(`our module is called ${module}`);
}

/** What one may install with apt: what our own tests install. */
function provePackages([program, command, ...names]: readonly string[]): void {
  const known = readFileSync(path.join(repository, 'tools/bootstrap/system-programs.mjs'), 'utf8');
  const unknown = names.filter((name) => !known.includes(`'${name}'`));
  if (program !== 'apt-get' || command !== 'install' || unknown.length > 0) {
    throw new Error(
      `sudo is for "apt-get install" of what tools/bootstrap/system-programs.mjs has: ${unknown.join(' ')}`,
    );
  }
}

async function proveNpm([command = '', ...words]: readonly string[]): Promise<void> {
  if (command === 'install') return words.filter((word) => !word.startsWith('-')).forEach(proveInstallable);
  const [script = '', ...rest] = command === 'run' ? words : [command, ...words];
  if (manifestOf('.').scripts[script] === undefined) throw new Error(`package.json has no script "${script}"`);
  const own = OWN_PROGRAMS[script];
  const args = rest.slice(rest.indexOf('--') + 1);
  if (own !== undefined) await proveFlags(own, args);
}

/** What one may install by name: our packages, and third parties' in a version that was tried. */
function proveInstallable(name: string): void {
  if (!name.startsWith('@im/')) {
    const catalog = readFileSync(path.join(repository, 'pnpm-workspace.yaml'), 'utf8');
    if (new RegExp(`^  "?${name}"?: `, 'm').test(catalog)) return;
    throw new Error(`${name} is not in the catalog of pnpm-workspace.yaml`);
  }
  const folder = name.replace('@im/', 'packages/');
  if (!existsSync(path.join(repository, folder)) || manifestOf(folder).private)
    throw new Error(`${name} is not published`);
}

async function proveIm(words: readonly string[]): Promise<void> {
  // `im rpc call` is a command of two words.
  const length = words[0] === 'rpc' ? 2 : words[0] === undefined || words[0].startsWith('-') ? 0 : 1;
  const command = length === 0 ? ['start'] : words.slice(0, length);
  await proveFlags([imCommand, ...command], words.slice(length));
}

/** @param own file and arguments of a program that knows `--help` */
async function proveFlags(own: readonly string[], args: readonly string[]): Promise<void> {
  const { flags } = await readHelp(own);
  for (const arg of args.filter((arg) => arg.startsWith('-'))) {
    const flag = arg.replace(/=.*/s, '');
    if (!flags.has(flag)) throw new Error(`its --help does not know ${flag}`);
  }
}

/** What a program of ours says that it takes. */
export async function readHelp(own: readonly string[]): Promise<{ flags: Set<string>; variables: Set<string> }> {
  const help = await helpOf(own);
  return {
    flags: new Set(help.match(/(?<![\w-])--[a-z][a-z-]*/g)),
    variables: new Set(help.match(/\bIM_[A-Z_]+\b/g)),
  };
}

const helps = new Map<string, Promise<string>>();

function helpOf(own: readonly string[]): Promise<string> {
  const key = own.join(' ');
  const help = helps.get(key) ?? promisify(execFile)(process.execPath, [...own, '--help']).then(({ stdout }) => stdout);
  helps.set(key, help);
  return help;
}

function proveFile(name: string, folder: string): void {
  const found = [folder, ''].some((base) => existsSync(path.join(repository, base, name)));
  if (!found) throw new Error(`there is no file ${name}`);
}
