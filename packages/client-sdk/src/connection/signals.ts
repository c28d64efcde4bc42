/** What the surroundings tell about the network, where there are any that do: pages and workers, not Node. */

export type Signal = 'online' | 'offline' | 'visible';

export interface Signals {
  /** False only when there is certainly no network. */
  online(): boolean;
  /** Calls the listener until the returned function is called. */
  watch(listener: (signal: Signal) => void): () => void;
}

interface Target {
  addEventListener?(type: string, run: () => void, options: { signal: AbortSignal }): void;
}

const page = globalThis as {
  navigator?: { onLine?: boolean };
  document?: Target & { visibilityState: string };
} & Target;

export const pageSignals: Signals = {
  online: () => page.navigator?.onLine !== false,
  watch(listener) {
    const stop = new AbortController();
    const { document } = page;
    for (const signal of ['online', 'offline'] as const) {
      page.addEventListener?.(signal, () => listener(signal), stop);
    }
    document?.addEventListener?.(
      'visibilitychange',
      () => document.visibilityState === 'visible' && listener('visible'),
      stop,
    );
    return () => stop.abort();
  },
};
