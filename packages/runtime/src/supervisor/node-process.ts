/** Owns: real child processes: the spawner that supervisors use unless told otherwise. */
import { spawn } from 'node:child_process';
import { type ChildProcess, type ChildSpec, type ProcessHandlers, STOP_TIMEOUT_MS } from './child-spec.js';
import { startGuard } from './guard.js';
import { createLineSplitter } from './line-splitter.js';
import { ASK_FIGURES, type FiguresMessage, READY_MESSAGE } from './parent-link.js';

const PROBE_INTERVAL_MS = 100;
/** After its end, how long the output of a child is waited for: something it left behind may hold its pipes. */
const OUTPUT_LINGER_MS = 500;

/**
 * Each child leads a process group of its own: Ctrl-C in a terminal reaches the supervisor alone, which then stops its
 * children in order, and killing a child kills what it started. A guard does that when this process is killed.
 */
export function spawnProcess(spec: ChildSpec, handlers: ProcessHandlers): ChildProcess {
  const guard = startGuard(spec.ready.by, spec.stopTimeoutMs ?? STOP_TIMEOUT_MS);
  const child = spawn(spec.command, spec.args, {
    env: { ...process.env, ...spec.env },
    stdio: ['ignore', 'pipe', 'pipe', ...(spec.ready.by === 'ipc' ? (['ipc'] as const) : [])],
    detached: true,
  });
  guard.watch(child.pid);
  const onLine = (stream: 'stdout' | 'stderr') => (line: string) => {
    handlers.onLine(stream, line);
    if (spec.ready.by === 'line' && spec.ready.line.test(line)) becomeReady();
  };
  let ready = false;
  const becomeReady = (): void => {
    if (ready) return;
    ready = true;
    handlers.onReady();
  };
  const stopProbing = spec.ready.by === 'url' ? probe(spec.ready.url, becomeReady) : () => {};
  child.on('message', (message) => {
    if (message === READY_MESSAGE) becomeReady();
    else if (isFigures(message)) handlers.onFigures(message.figures);
  });
  for (const stream of ['stdout', 'stderr'] as const) {
    const lines = createLineSplitter(onLine(stream));
    child[stream]?.on('data', (chunk: Buffer) => lines.push(chunk)).on('close', () => lines.end());
  }

  let startError: Error | undefined;
  child.on('error', (error) => {
    // Also told for signals that could not be sent; only a process that never was has no pid.
    if (child.pid === undefined) startError = error;
  });
  child.on('exit', () => {
    stopProbing();
    killGroup(child.pid);
    guard.release();
    const linger = setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, OUTPUT_LINGER_MS);
    child.once('close', () => clearTimeout(linger));
  });
  child.on('close', (code, signal) => {
    stopProbing();
    const reason = startError?.message ?? (signal === null ? `exit code ${code}` : `signal ${signal}`);
    handlers.onExit({ code: startError === undefined ? code : null, signal, reason });
  });

  return {
    pid: child.pid,
    signal: (signal) => (signal === 'SIGKILL' ? killGroup(child.pid) : child.kill(signal)),
    // A channel that closes meanwhile is told by the child's end.
    askFigures: () => void (child.connected && child.send(ASK_FIGURES, () => {})),
  };
}

function isFigures(message: unknown): message is FiguresMessage {
  return typeof (message as FiguresMessage | null)?.figures === 'string';
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}

/** Asks until it answers well; the returned function ends it. */
function probe(url: string, onAnswer: () => void): () => void {
  const ended = new AbortController();
  const ask = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      const answer = await fetch(url, { signal: ended.signal }).catch(() => undefined);
      await answer?.body?.cancel();
      if (ended.signal.aborted) return;
      if (answer?.ok) return onAnswer();
      await new Promise((resolve) => setTimeout(resolve, PROBE_INTERVAL_MS));
    }
  };
  void ask();
  return () => ended.abort();
}
