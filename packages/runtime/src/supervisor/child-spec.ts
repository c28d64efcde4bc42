/** What a supervised program is, and how the state machine reaches processes: a port, filled with real ones or fakes. */

/**
 * When a child counts as ready. `ipc`: it says so itself (see parent-link.ts), which also lets it notice its supervisor's
 * death; others are signalled then, see guard.ts. `url`: a GET answers with a 2xx status. `line`: a line of its output matches.
 */
export type Readiness =
  | { readonly by: 'ipc' }
  | { readonly by: 'url'; readonly url: string }
  | { readonly by: 'line'; readonly line: RegExp };

/** Default of {@link ChildSpec.stopTimeoutMs}. */
export const STOP_TIMEOUT_MS = 10_000;

export interface ChildSpec {
  /** Unique within the supervisor. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Added to the supervisor's own environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly ready: Readiness;
  /** Not ready by then: killed and counted as a failure. Default: 30,000. */
  readonly readyTimeoutMs?: number;
  /** From SIGTERM to SIGKILL. Default: 10,000. */
  readonly stopTimeoutMs?: number;
  /** Ending with exit code 0 once it was ready is its own decision: it is not started again by itself. Default: it is. */
  readonly mayFinish?: boolean;
  /** Neighbours with the same name here are stopped together, those of others one after the other. */
  readonly together?: string;
}

export interface ChildExit {
  /** Null when a signal ended it, or when it could not be started. */
  readonly code: number | null;
  readonly signal: string | null;
  /** In words: `exit code 1`, `signal SIGKILL`, `spawn nginx ENOENT`. */
  readonly reason: string;
}

export interface ProcessHandlers {
  /** At most once. */
  onReady(): void;
  onLine(stream: 'stdout' | 'stderr', line: string): void;
  /** Prometheus text, after {@link ChildProcess.askFigures}. */
  onFigures(figures: string): void;
  /** Once, as the last call. */
  onExit(exit: ChildExit): void;
}

export interface ChildProcess {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** To the child and, for SIGKILL, everything it started. Does nothing once it is gone. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Told by `onFigures`, by children that are ready by IPC and answer (see parent-link.ts). */
  askFigures(): void;
}

/** Starts a program. Failing to start is told through `onExit`, never thrown; no handler is called before it returns. */
export type Spawner = (spec: ChildSpec, handlers: ProcessHandlers) => ChildProcess;

/**
 * The exit code (EX_CONFIG of sysexits.h) of a child for which starting again is of no use: bad configuration, port in
 * use. Obeyed until the child was ready once; after that every end is worth another try.
 */
export const EXIT_NOT_RESTARTABLE = 78;

/**
 * The exit code (EX_UNAVAILABLE of sysexits.h) of a child that could not begin because something it needs is away, a store for example.
 * Once it was ready it is tried until that is back, however long; before, it is told at once, like a mistake.
 */
export const EXIT_UNAVAILABLE = 69;
