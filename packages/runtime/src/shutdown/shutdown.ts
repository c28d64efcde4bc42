/**
 * Owns: ending a process in order. What was started last stops first, each step within its time; when all are done
 * nothing holds the process, which then ends by itself with the exit code that was set.
 */
import { systemClock } from '../clock.js';
import type { Clock, Logger, Timer } from '../ports.js';

export interface ShutdownStep {
  readonly name: string;
  stop(): void | Promise<void>;
  /** A step that takes longer is left behind and told in the log. Default: 5,000. */
  readonly deadlineMs?: number;
}

/** What of `process` a shutdown needs. */
export interface StoppableProcess {
  exitCode?: number | string | null | undefined;
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): void;
  getActiveResourcesInfo(): string[];
}

export interface ShutdownOptions {
  readonly logger: Logger;
  readonly clock?: Clock;
  readonly process?: StoppableProcess;
}

export interface Shutdown {
  /** Steps are carried out in the reverse order of these calls; one that comes when it is too late, at once. */
  add(step: ShutdownStep): void;
  /** Stops on SIGTERM and SIGINT; a second one, at least half a second later, ends the process at once. */
  listen(): void;
  /**
   * Once; later calls wait for the first. The highest exit code given wins.
   * @param reason for the log; undefined where somebody else says why
   */
  stop(reason: string | undefined, exitCode?: number): Promise<void>;
  readonly stopping: boolean;
}

const STEP_DEADLINE_MS = 5_000;
/** Ctrl-C reaches a program twice when what started it passes signals on, as npm does. */
const REPEATED_SIGNAL_MS = 500;
/** How long something may hold the process after every step is done. */
const LINGER_MS = 2_000;
const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

export function createShutdown(options: ShutdownOptions): Shutdown {
  const { logger, clock = systemClock, process: target = process } = options;
  const steps: ShutdownStep[] = [];
  let stopped: Promise<void> | undefined;
  let exitCode = 0;
  let signalledAt: number | undefined;

  const onSignal = (signal: NodeJS.Signals): void => {
    const now = clock.monotonic();
    if (signalledAt === undefined) {
      signalledAt = now;
      void shutdown.stop(signal);
    } else if (now - signalledAt >= REPEATED_SIGNAL_MS) {
      logger.warn('stopped by force', { signal });
      target.exit(1);
    }
  };

  async function carryOut(step: ShutdownStep): Promise<void> {
    const failure = await runStep(step, clock);
    if (failure === undefined) return;
    logger.error('could not be stopped', { step: step.name, error: failure });
    exitCode = Math.max(exitCode, 1);
    target.exitCode = exitCode;
  }

  async function stopAll(reason: string | undefined): Promise<void> {
    if (reason !== undefined) logger.info('stopping', { reason });
    for (let step = steps.pop(); step !== undefined; step = steps.pop()) await carryOut(step);
    if (reason !== undefined) logger.info('stopped', { exitCode });
    for (const signal of SIGNALS) target.off(signal, onSignal);
    target.exitCode = exitCode;
    // Runs only if something still holds the event loop.
    clock.after(
      LINGER_MS,
      () => {
        logger.error('left open', { resources: [...new Set(target.getActiveResourcesInfo())] });
        target.exit(Math.max(exitCode, 1));
      },
      { background: true },
    );
  }

  const shutdown: Shutdown = {
    add(step) {
      if (stopped === undefined) steps.push(step);
      else void carryOut(step);
    },
    listen() {
      for (const signal of SIGNALS) target.on(signal, onSignal);
    },
    stop(reason, code = 0) {
      exitCode = Math.max(exitCode, code);
      target.exitCode = exitCode;
      stopped ??= stopAll(reason);
      return stopped;
    },
    get stopping() {
      return stopped !== undefined;
    },
  };
  return shutdown;
}

/** Settles with what went wrong, if anything did. */
function runStep({ stop, deadlineMs = STEP_DEADLINE_MS }: ShutdownStep, clock: Clock): Promise<unknown> {
  return new Promise((resolve) => {
    const timer: Timer = clock.after(deadlineMs, () => resolve(new Error(`took longer than ${deadlineMs} ms`)));
    Promise.resolve()
      .then(() => stop())
      .then(
        () => resolve(undefined),
        (error: unknown) => resolve(error ?? new Error('failed')),
      )
      .finally(() => timer.cancel());
  });
}
