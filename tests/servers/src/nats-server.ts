/** A NATS server of the test's own: the Debian program on a free port of 127.0.0.1. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { freePorts } from './free-port.js';
import { ServerProcess, type TestServer } from './server-process.js';

export interface NatsServerOptions {
  readonly user?: string;
  readonly password?: string;
}

const PROGRAM = ['/usr/sbin/nats-server', '/usr/bin/nats-server'].find((file) => existsSync(file));
const ATTEMPTS = 5;

/** Tests that need it are skipped by name where it is missing: `describe.skipIf(!hasNatsServer)`. */
export const hasNatsServer = PROGRAM !== undefined;

/** Resolves when it takes connections. Stop it in `afterEach` or `afterAll`. */
export async function startNatsServer(options: NatsServerOptions = {}): Promise<TestServer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnFreePort(options);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function startOnFreePort({ user, password }: NatsServerOptions): Promise<TestServer> {
  const [port = 0] = await freePorts(1);
  const folder = await mkdtemp(path.join(tmpdir(), 'im-nats-'));
  const args = ['--addr', '127.0.0.1', '--port', `${port}`];
  if (user !== undefined && password !== undefined) args.push('--user', user, '--pass', password);
  const running = new ServerProcess({ file: PROGRAM ?? 'nats-server', args, cwd: folder, ready: /Server is ready/ });

  async function stop(): Promise<void> {
    await running.end('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  }
  try {
    await running.start();
  } catch (error) {
    await stop();
    throw error;
  }
  const login = user === undefined ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password ?? '')}@`;
  return {
    port,
    url: `nats://${login}127.0.0.1:${port}`,
    stop,
    kill: () => running.end('SIGKILL'),
    async restart() {
      await running.end('SIGTERM');
      await running.start();
    },
    pause: () => running.signal('SIGSTOP'),
    resume: () => running.signal('SIGCONT'),
  };
}
