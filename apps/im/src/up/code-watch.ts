/** Owns: noticing that code has changed. A build writes many files: it is told once nothing has changed for a moment. */
import { type FSWatcher, watch } from 'node:fs';
import type { Clock, Timer } from '@im/runtime';

const QUIET_MS = 300;

export interface CodeWatchOptions {
  /** With all below them. */
  readonly folders: readonly string[];
  readonly clock: Clock;
  onChange(): void;
  /** A folder cannot be watched any more. */
  onError(error: Error): void;
}

/** @throws Error for a folder that cannot be watched */
export function watchCode({ folders, clock, onChange, onError }: CodeWatchOptions): { close(): void } {
  let quiet: Timer | undefined;
  const onEvent = (): void => {
    quiet?.cancel();
    quiet = clock.after(QUIET_MS, onChange);
  };
  const watchers: FSWatcher[] = folders.map((folder) =>
    watch(folder, { recursive: true, persistent: false }, onEvent).on('error', onError),
  );
  return {
    close() {
      quiet?.cancel();
      for (const watcher of watchers) watcher.close();
    },
  };
}
