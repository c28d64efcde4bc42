/** Owns: what a systemd unit in an `ini` block has to stand: its program is ours, and so are its flags and variables. */
import path from 'node:path';
import { proveCommand, readHelp } from './command-line.js';
import { repository } from './documents.js';
import { imCommand } from './playground.js';

/** Where units say that the repository is. */
const INSTALLED = '/usr/bin/node /opt/im/';

export async function proveUnit(text: string): Promise<void> {
  for (const line of text.split('\n').filter((line) => !/^(\[[A-Z]\w+\]|[#;].*)?$/.test(line))) {
    const [, key, value = ''] = /^([A-Z]\w+)=(.*)$/.exec(line) ?? [];
    if (key === undefined) throw new Error(`neither a [Section] nor a Key=value: ${line}`);
    if (key === 'ExecStart') await proveStart(value);
    if (key === 'Environment') await proveVariables(value.match(/\w+(?==)/g) ?? []);
  }
}

async function proveStart(command: string): Promise<void> {
  const [file, ...args] = command.replace(INSTALLED, '').split(' ');
  if (file !== path.relative(repository, imCommand))
    throw new Error(`it starts something else than ${INSTALLED}…: ${file}`);
  await proveCommand(['im', ...args], '.');
}

async function proveVariables(names: readonly string[]): Promise<void> {
  const { variables } = await readHelp([imCommand, 'start']);
  for (const name of names) if (!variables.has(name)) throw new Error(`im does not know the variable ${name}`);
}
