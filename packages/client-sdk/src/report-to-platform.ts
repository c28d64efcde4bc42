interface Platform {
  reportError?(error: unknown): void;
  process?: { emitWarning?(warning: Error | string): void };
}

/** Where errors go that nobody listens to: the page's `error` event, or a warning of Node. The program goes on. */
export function reportToPlatform(error: unknown): void {
  const { reportError, process } = globalThis as Platform;
  if (reportError) reportError(error);
  else process?.emitWarning?.(error instanceof Error ? error : String(error));
}
