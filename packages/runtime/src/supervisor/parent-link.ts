/** Owns: the child's side of supervision. */

/** What a child says over its IPC channel when it can do its work. */
export const READY_MESSAGE = 'ready';
/** What a supervisor says that wants to know the figures of a child. */
export const ASK_FIGURES = 'figures?';

/** The answer to {@link ASK_FIGURES}. */
export interface FiguresMessage {
  /** Prometheus text. */
  readonly figures: string;
}

/** What of `process` it needs; `send` is there only in a child with an IPC channel. */
export interface LinkedProcess {
  send?: ((message: string | FiguresMessage) => unknown) | undefined;
  readonly connected?: boolean;
  readonly channel?: { unref(): void } | null | undefined;
  once(event: 'disconnect', listener: () => void): unknown;
  on(event: 'message', listener: (message: unknown) => void): unknown;
}

export interface ParentLink {
  /** Does nothing when there is no supervisor. */
  reportReady(): void;
  /** From now on the supervisor is told the figures, as Prometheus text, whenever it asks. */
  answerFigures(render: () => string): void;
}

/**
 * Ties this process to its supervisor, if it has one.
 * @param onLost called when the supervisor is gone, however it ended: time to stop
 */
export function linkToParent(onLost: () => void, child: LinkedProcess = process): ParentLink {
  if (child.send === undefined) return { reportReady: () => {}, answerFigures: () => {} };
  child.once('disconnect', onLost);
  // Listening holds the process; when all else is done it shall end.
  child.channel?.unref();
  return {
    reportReady() {
      if (child.connected) child.send?.(READY_MESSAGE);
    },
    answerFigures(render) {
      child.on('message', (message) => {
        if (message === ASK_FIGURES && child.connected) child.send?.({ figures: render() });
      });
      child.channel?.unref();
    },
  };
}
