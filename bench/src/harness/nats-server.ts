/** A NATS server of the bench's own, on free ports, for as long as a run lasts. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Place } from './cores.js';
import { HOST } from './host.js';
import { freePort, listening } from './ports.js';
import { findProgram } from './programs.js';
import { ServerProcess } from './server-process.js';

const PROGRAM = 'nats-server';

export interface NatsServer {
  readonly process: ServerProcess;
  readonly port: number;
  readonly webSocketPort: number;
  stop(): Promise<void>;
}

/** Why it cannot be run here. */
export function natsServerMissing(): string | undefined {
  return findProgram(PROGRAM) === undefined ? `no program \`${PROGRAM}\` on PATH` : undefined;
}

export async function startNatsServer(place?: Place): Promise<NatsServer> {
  const [port, webSocketPort] = [await freePort(), await freePort()];
  const folder = mkdtempSync(path.join(tmpdir(), 'im-bench-nats-'));
  const config = path.join(folder, 'nats.conf');
  const webSocket = `websocket { host: "${HOST}", port: ${webSocketPort}, no_tls: true, compression: false }`;
  writeFileSync(config, `host: "${HOST}"\nport: ${port}\n${webSocket}\nmax_connections: 100000\n`);
  const server = new ServerProcess([findProgram(PROGRAM) ?? PROGRAM, '-c', config], place);
  const stop = async (): Promise<void> => {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await listening(webSocketPort);
    return { process: server, port, webSocketPort, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
