/** Owns: the child's side of supervision. */

/** What a child says over its IPC channel when it can do its work. */
export const READY_MESSAGE = 'ready';

/** What of `process` it needs; `send` is there only in a child with an IPC channel. */
export interface LinkedProcess {
  send?: ((message: string) => unknown) | undefined;
  readonly connected?: boolean;
  readonly channel?: { unref(): void } | null | undefined;
  once(event: 'disconnect', listener: () => void): unknown;
}

export interface ParentLink {
  /** Does nothing when there is no supervisor. */
  reportReady(): void;
}

/**
 * Ties this process to its supervisor, if it has one.
 * @param onLost called when the supervisor is gone, however it ended: time to stop
 */
export function linkToParent(onLost: () => void, child: LinkedProcess = process): ParentLink {
  if (child.send === undefined) return { reportReady: () => {} };
  child.once('disconnect', onLost);
  // Listening holds the process; when all else is done it shall end.
  child.channel?.unref();
  return {
    reportReady() {
      if (child.connected) child.send?.(READY_MESSAGE);
    },
  };
}
