/** Owns: asking a running `im up` for something: a command a connection, one line of JSON as answer. Whoever may open the socket may. */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import type { UpdateOutcome } from './worker-updates.js';

const UPDATE = 'update';
const MAX_COMMAND = 64;
const COMMAND_MS = 2_000;

/** @param path of a socket in a folder of its owner alone; one that was left behind is replaced */
export async function listenForCommands(
  path: string,
  update: () => Promise<UpdateOutcome>,
): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Whoever asked is gone; what was asked for goes on.
    socket.on('error', () => {});
    // Whoever says nothing, or goes away, has asked for nothing.
    socket.setTimeout(COMMAND_MS, () => socket.destroy());
    answer(socket, update).catch(() => socket.destroy());
  });
  await rm(path, { force: true });
  server.listen(path);
  await once(server, 'listening');
  return {
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function answer(socket: Socket, update: () => Promise<UpdateOutcome>): Promise<void> {
  let command = '';
  socket.setEncoding('utf8');
  for await (const text of socket.iterator({ destroyOnReturn: false })) {
    command += text;
    if (command.includes('\n') || command.length > MAX_COMMAND) break;
  }
  socket.setTimeout(0);
  const outcome = command === `${UPDATE}\n` ? await update() : { updated: false, message: 'unknown command' };
  socket.end(`${JSON.stringify(outcome)}\n`);
}

/** @throws Error when nobody listens there, or it went away */
export async function askForUpdate(path: string): Promise<UpdateOutcome> {
  const socket = connect(path);
  await once(socket, 'connect');
  socket.write(`${UPDATE}\n`);
  let line = '';
  for await (const text of socket.setEncoding('utf8')) line += text;
  if (!line.endsWith('\n')) throw new Error('im up ended before it answered');
  return JSON.parse(line) as UpdateOutcome;
}
