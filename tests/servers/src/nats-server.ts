/** A NATS server of the test's own: the Debian program on a free port of 127.0.0.1. */
import { existsSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startOnFreePorts } from './free-port.js';
import { ServerProcess, type TestServer } from './server-process.js';

export interface NatsServerOptions {
  readonly user?: string;
  readonly password?: string;
}

const PROGRAM = ['/usr/sbin/nats-server', '/usr/bin/nats-server'].find((file) => existsSync(file));

/** Tests that need it are skipped by name where it is missing: `describe.skipIf(!hasNatsServer)`. */
export const hasNatsServer = PROGRAM !== undefined;

/** Resolves when it takes connections. Stop it in `afterEach` or `afterAll`. */
export function startNatsServer(options: NatsServerOptions = {}): Promise<TestServer> {
  return startOnFreePorts(1, ([port = 0]) => startOn(port, options));
}

async function startOn(port: number, { user, password }: NatsServerOptions): Promise<TestServer> {
  const folder = await mkdtemp(path.join(tmpdir(), 'im-nats-'));
  const args = ['--addr', '127.0.0.1', '--port', `${port}`];
  if (user !== undefined && password !== undefined) args.push('--user', user, '--pass', password);
  const running = new ServerProcess({ file: PROGRAM ?? 'nats-server', args, folder, ready: /Server is ready/ });
  const { controls } = running;
  try {
    await running.start();
  } catch (error) {
    await controls.stop();
    throw error;
  }
  const login = user === undefined ? '' : `${encodeURIComponent(user)}:${encodeURIComponent(password ?? '')}@`;
  return {
    port,
    url: `nats://${login}127.0.0.1:${port}`,
    ...controls,
  };
}
