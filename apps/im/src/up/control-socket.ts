/**
 * Owns: asking a running `im up` for something. A command a connection: one line of JSON as request, then lines of progress, then the
 * outcome. Whoever may open the socket may.
 */
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { ScaleCounts, ScaleOutcome } from './scaling.js';
import type { UpStatus } from './status.js';
import type { UpdateOutcome } from './worker-updates.js';

/** What can be asked for, with what is said in the request, and what comes of it. */
export interface ControlCommands {
  /** @param cause for the log */
  update(cause?: string): Promise<UpdateOutcome>;
  status(): Promise<UpStatus>;
  scale(counts: ScaleCounts, tell: (line: string) => void): Promise<ScaleOutcome>;
  /** Settles when nothing runs any more but the process that says so. */
  down(nothing: undefined, tell: (line: string) => void): Promise<DownOutcome>;
}

export interface DownOutcome {
  /** Of `im up`; gone a moment later. */
  readonly pid: number;
}

type Outcome<Name extends keyof ControlCommands> = Awaited<ReturnType<ControlCommands[Name]>>;
type Subject<Name extends keyof ControlCommands> = NonNullable<Parameters<ControlCommands[Name]>[0]>;

type AnswerLine = { readonly progress: string } | { readonly outcome: unknown } | { readonly failed: string };

const COMMANDS: readonly (keyof ControlCommands)[] = ['update', 'status', 'scale', 'down'];
const MAX_COMMAND = 1_024;
const COMMAND_MS = 2_000;

/** @param path of a socket in a folder of its owner alone; one that was left behind is replaced */
export async function listenForCommands(path: string, commands: ControlCommands): Promise<{ close(): void }> {
  const sockets = new Set<Socket>();
  /** Of `down`: they are told of the end that cuts the others off. */
  const lasting = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    // Whoever asked is gone; what was asked for goes on.
    socket.on('error', () => {});
    // Whoever says nothing, or goes away, has asked for nothing.
    socket.setTimeout(COMMAND_MS, () => socket.destroy());
    answer(socket).catch(() => socket.destroy());
  });

  async function answer(socket: Socket): Promise<void> {
    const request = await readRequest(socket);
    socket.setTimeout(0);
    const write = (line: AnswerLine): void => void socket.write(`${JSON.stringify(line)}\n`);
    const command = COMMANDS.find((name) => name === request?.command);
    if (command === 'down') lasting.add(socket);
    try {
      if (command === undefined) throw new Error('unknown command');
      write({ outcome: await commands[command](request?.subject as never, (progress) => write({ progress })) });
    } catch (error) {
      write({ failed: (error as Error).message });
    }
    socket.end();
  }

  await rm(path, { force: true });
  server.listen(path);
  await once(server, 'listening');
  return {
    close() {
      server.close();
      for (const socket of sockets) {
        if (lasting.has(socket)) socket.unref();
        else socket.destroy();
      }
    },
  };
}

interface ControlRequest {
  readonly command: string;
  readonly subject?: unknown;
}

async function readRequest(socket: Socket): Promise<ControlRequest | undefined> {
  let line = '';
  socket.setEncoding('utf8');
  for await (const text of socket.iterator({ destroyOnReturn: false })) {
    line += text;
    if (line.includes('\n') || line.length > MAX_COMMAND) break;
  }
  try {
    const request = JSON.parse(line) as Partial<ControlRequest> | null;
    return typeof request?.command === 'string' ? (request as ControlRequest) : undefined;
  } catch {
    return undefined;
  }
}

/** Nobody listens there, or it went away before it had answered. */
export class NobodyAnswers extends Error {
  override readonly name = 'NobodyAnswers';
}

interface AskOptions<Subject> {
  readonly subject?: Subject;
  readonly onProgress?: (line: string) => void;
  /** Ends waiting for the answer. */
  readonly signal?: AbortSignal;
}

/** @throws NobodyAnswers, or Error with what `im up` says against it */
export async function askUp<Name extends keyof ControlCommands>(
  path: string,
  command: Name,
  { subject, onProgress = () => {}, signal }: AskOptions<Subject<Name>> = {},
): Promise<Outcome<Name>> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
  } catch (cause) {
    throw new NobodyAnswers(`no im up answers at ${path}`, { cause });
  }
  socket.on('error', () => {
    // The end of its lines tells.
  });
  signal?.addEventListener('abort', () => socket.destroy(), { once: true });
  socket.write(`${JSON.stringify({ command, subject })}\n`);
  for await (const text of createInterface({ input: socket })) {
    const line = JSON.parse(text) as AnswerLine;
    if ('progress' in line) onProgress(line.progress);
    else if ('failed' in line) throw new Error(line.failed);
    else return line.outcome as Outcome<Name>;
  }
  throw new NobodyAnswers('im up ended before it answered');
}
