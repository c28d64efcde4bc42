/**
 * Owns: what an `sh` block has to stand. One that only speaks to the example server is carried out, and must succeed, or print what the
 * `json` block below it says; of any other every script, file and flag must be there.
 */
import { dirname } from 'node:path';
import { expect } from 'vitest';
import { proveCommand } from './command-line.js';
import type { Block } from './documents.js';
import { EXAMPLE_SERVER, type Playground } from './playground.js';
import { type Command, parseCommands } from './shell-commands.js';

/** Programs that are carried out: they do what they do within the playground. */
const CARRIED_OUT: readonly string[] = ['curl', 'cat', 'echo'];

export async function proveShell(block: Block, playground: Playground): Promise<void> {
  const commands = parseCommands(block.text);
  const [carriedOut, named] = [commands.filter(isCarriedOut), commands.filter((command) => !isCarriedOut(command))];
  if (carriedOut.length > 0 && named.length > 0) {
    throw new Error(`${named[0]?.[0]} is not carried out, ${carriedOut[0]?.[0]} is: give each a block of its own`);
  }
  for (const command of named) await proveCommand(command, dirname(block.document));
  if (carriedOut.length > 0) await proveRun(block, playground);
}

const isCarriedOut = ([program]: Command): boolean => CARRIED_OUT.includes(program);

async function proveRun(block: Block, playground: Playground): Promise<void> {
  const foreign = block.text.match(/https?:\/\/[^/\s'"]+/g)?.filter((origin) => origin !== `http://${EXAMPLE_SERVER}`);
  if (foreign?.length) throw new Error(`examples speak to http://${EXAMPLE_SERVER}, not to ${foreign.join()}`);
  const answer = block.next?.language === 'json' ? block.next.text : undefined;
  // Where no answer is shown, success is meant.
  const curl = `curl() { command curl --silent --show-error ${answer === undefined ? '--fail-with-body ' : ''}"$@"; }`;
  const script = await playground.addressed(block.text);
  const { exitCode, stdout, output } = await playground.run('sh', ['-euc', `${curl}\n${script}`]);
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${output}`);
  if (answer !== undefined) expect(values(stdout), stdout).toEqual(values(answer));
}

/** One JSON value a line. The epoch of a log is never the one of an example. */
const values = (lines: string): unknown[] =>
  lines
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line, (name, value: unknown) => (name === 'epoch' ? '…' : value)));
