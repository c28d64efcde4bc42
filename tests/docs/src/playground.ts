/**
 * Owns: where examples run. One folder for all, with what a reader would have installed; in it one folder for each document, and a
 * server of that document's own for those that speak to the one at {@link EXAMPLE_SERVER}.
 */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { repository } from './documents.js';
import { type Outcome, RunningProgram } from './running-program.js';

/** Where documents say that the server is: what `npm start` prints. */
export const EXAMPLE_SERVER = '127.0.0.1:8080';

/** The built `im` command. */
export const imCommand = path.join(repository, 'apps/im/dist/main.js');

/** The folder that holds the playgrounds; below it, `import '@im/…'` finds the built packages. */
export class Workplace {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'im-docs-'));
  readonly #commands = path.join(this.folder, 'commands');

  constructor() {
    writeFileSync(path.join(this.folder, 'package.json'), '{"type":"module"}');
    symlinkSync(path.join(repository, 'tests/docs/node_modules'), path.join(this.folder, 'node_modules'));
    mkdirSync(this.#commands);
    const im = `#!/bin/sh\nexec ${JSON.stringify(process.execPath)} ${JSON.stringify(imCommand)} "$@"\n`;
    writeFileSync(path.join(this.#commands, 'im'), im, { mode: 0o755 });
  }

  playground(document: string): Playground {
    return new Playground(path.join(this.folder, 'playgrounds', document), this.#commands);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** What the examples of one document run in, one after the other. */
export class Playground {
  readonly folder: string;
  readonly #commands: string;
  #server: RunningProgram | undefined;
  #origin: Promise<URL> | undefined;

  constructor(folder: string, commands: string) {
    this.folder = folder;
    this.#commands = commands;
    mkdirSync(folder, { recursive: true });
  }

  /** The text with the address of this document's server, which is started by the first that needs it. */
  async addressed(text: string): Promise<string> {
    if (!text.includes(EXAMPLE_SERVER) && !text.includes('.im/')) return text;
    this.#origin ??= this.#startServer();
    return text.replaceAll(EXAMPLE_SERVER, (await this.#origin).host);
  }

  /** Starts a program with `$IM_PUSH_TOKEN` and the `im` command as the documents have them. */
  start(file: string, args: readonly string[]): RunningProgram {
    const { PATH, HOME } = process.env;
    const token = path.join(this.folder, '.im/push-token');
    const env = {
      ...{ PATH: `${this.#commands}${path.delimiter}${PATH}`, HOME },
      ...(existsSync(token) && { IM_PUSH_TOKEN: readFileSync(token, 'utf8').trim() }),
    };
    return new RunningProgram(file, args, { cwd: this.folder, env });
  }

  /** Runs a program to its end. */
  run(file: string, args: readonly string[]): Promise<Outcome> {
    return this.start(file, args).ended();
  }

  /** Stops the server, which has to end by itself. */
  async close(): Promise<void> {
    const outcome = await this.#server?.stop();
    if (outcome && outcome.exitCode !== 0) throw new Error(`the server did not stop by itself:\n${outcome.output}`);
  }

  async #startServer(): Promise<URL> {
    if (!existsSync(imCommand)) throw new Error(`${imCommand} is missing: npm run build`);
    const server = this.start(process.execPath, [imCommand, 'serve', '--json', '--port', '0', '--data', '.im']);
    this.#server = server;
    return await server.until(() => {
      const origin = /"message":"ready".*"origin":"([^"]+)"/.exec(server.stdout)?.[1];
      if (origin === undefined) throw new Error('the server is not ready');
      return new URL(origin);
    });
  }
}
