/** The languages that have a client, and how their programs are started. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export const clientsFolder = path.resolve(import.meta.dirname, '../../../clients');

/** A program and its first arguments. */
export type Command = readonly [string, ...string[]];

export interface Language {
  readonly name: string;
  /** Followed by a service and addresses. */
  readonly worker: Command;
  /** Followed by addresses. */
  readonly caller: Command;
  /** Followed by the url of a push endpoint and a token, or by the address of a broker; absent where there is no push client. */
  readonly pusher?: Command;
  /** The client's own checks, in its folder. */
  readonly checks: readonly Command[];
}

const go = ['/usr/local/go/bin/go', '/usr/bin/go'].find((file) => existsSync(file)) ?? 'go';
const python = '/usr/bin/python3';
const php = '/usr/bin/php';
const of = (language: string, ...names: string[]) => path.join(clientsFolder, language, ...names);

/** @param binaries folder for what is compiled */
export async function prepareLanguages(binaries: string): Promise<readonly Language[]> {
  await run(go, ['build', '-o', binaries, './internal/conformance/caller', './internal/conformance/worker'], {
    cwd: of('go'),
  });
  return languages(binaries);
}

export function languages(binaries: string): readonly Language[] {
  return [
    {
      name: 'php',
      worker: [php, of('php', 'tests/worker.php')],
      caller: [php, of('php', 'tests/caller.php')],
      pusher: [php, of('php', 'tests/pusher.php')],
      checks: [[php, 'tests/run.php']],
    },
    {
      name: 'python',
      worker: [python, of('python', 'tests/worker.py')],
      caller: [python, of('python', 'tests/caller.py')],
      pusher: [python, of('python', 'tests/pusher.py')],
      checks: [[python, '-B', '-m', 'unittest', 'discover', '-s', 'tests', '-t', '.']],
    },
    {
      name: 'go',
      worker: [path.join(binaries, 'worker')],
      caller: [path.join(binaries, 'caller')],
      checks: [
        [go, 'vet', './...'],
        // Files outside the module do not make its cache stale.
        [go, 'test', '-count=1', './...'],
      ],
    },
  ];
}
