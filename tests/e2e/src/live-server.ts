/** The built system as `npm start` runs it, on a free port: a supervisor and the server that it watches over. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../../apps/im/dist/main.js', import.meta.url));

export class LiveServer {
  private constructor(
    private readonly supervisor: ChildProcess,
    /** Address of the page. */
    readonly page: string,
  ) {}

  /** Settles when the page can be opened. @param data folder for messages and secrets */
  static async start(data: string): Promise<LiveServer> {
    const args = [program, 'start', '--port', '0', '--data', data, '--json'];
    const supervisor = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = createInterface({ input: supervisor.stdout });
    const said: string[] = [];
    for await (const line of lines) {
      said.push(line);
      const { message, process: who, origin } = JSON.parse(line) as Record<string, string | undefined>;
      if (message !== 'ready' || who !== 'start' || origin === undefined) continue;
      // Nobody reads on, but what is written must go somewhere.
      supervisor.stdout.resume();
      return new LiveServer(supervisor, `${origin}/`);
    }
    throw new Error(`the server ended before it was ready:\n${said.join('\n')}`);
  }

  /** Process id of the server itself, not of the guard beside it; another one after each restart. */
  get serverPid(): number {
    const { pid } = this.supervisor;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
    const server = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes(program));
    if (server === undefined) throw new Error('the supervisor has no server now');
    return Number(server);
  }

  async stop(): Promise<void> {
    if (this.supervisor.exitCode !== null) return;
    const ended = once(this.supervisor, 'exit');
    this.supervisor.kill('SIGTERM');
    await ended;
  }
}
