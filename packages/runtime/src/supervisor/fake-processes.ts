/** Processes for this package's tests: they do what the test says, and record the signals they get. */
import type { ChildSpec, ProcessHandlers, Spawner } from './child-spec.js';

interface FakeProcess {
  readonly pid: number;
  readonly spec: ChildSpec;
  readonly signals: string[];
  ready(): void;
  print(line: string): void;
  /** How often it was asked for its figures. */
  asked: number;
  tell(figures: string): void;
  exit(code: number): void;
}

export interface FakeProcesses {
  readonly spawn: Spawner;
  readonly all: FakeProcess[];
  /** The latest one of this name. */
  latest(name: string): FakeProcess;
  living(): string[];
}

/** Without `stubborn` a process ends when it gets SIGTERM. SIGKILL always ends it. */
export function createFakeProcesses({ stubborn = false } = {}): FakeProcesses {
  const all: FakeProcess[] = [];
  const alive = new Set<FakeProcess>();
  return {
    all,
    latest(name) {
      const found = all.filter(({ spec }) => spec.name === name).at(-1);
      if (found === undefined) throw new Error(`${name} was never started`);
      return found;
    },
    living: () => [...alive].map(({ spec, pid }) => `${spec.name} ${pid}`),
    spawn(spec, handlers) {
      const process = fakeProcess(all.length + 1, spec, handlers, () => alive.delete(process));
      all.push(process);
      alive.add(process);
      return {
        pid: process.pid,
        askFigures: () => {
          process.asked += 1;
        },
        signal(signal) {
          process.signals.push(signal);
          if (alive.has(process) && (signal === 'SIGKILL' || !stubborn)) end(process, handlers, signal);
        },
      };
      function end(ended: FakeProcess, { onExit }: ProcessHandlers, signal: string): void {
        alive.delete(ended);
        onExit({ code: null, signal, reason: `signal ${signal}` });
      }
    },
  };
}

function fakeProcess(pid: number, spec: ChildSpec, handlers: ProcessHandlers, onGone: () => void): FakeProcess {
  return {
    pid,
    spec,
    signals: [],
    ready: () => handlers.onReady(),
    print: (line) => handlers.onLine('stdout', line),
    asked: 0,
    tell: (figures) => handlers.onFigures(figures),
    exit(code) {
      onGone();
      handlers.onExit({ code, signal: null, reason: `exit code ${code}` });
    },
  };
}
