/** Listeners of a change, called once a turn however much changed. */
export interface Changes {
  readonly listeners: number;
  /** Returns the function that takes this one subscription back. */
  on(listener: () => void): () => void;
  notify(): void;
}

export function createChanges(report: (error: unknown) => void): Changes {
  const listeners = new Set<{ readonly run: () => void }>();
  let due = false;

  return {
    get listeners() {
      return listeners.size;
    },
    on(run) {
      const subscription = { run };
      listeners.add(subscription);
      return () => void listeners.delete(subscription);
    },
    notify() {
      if (due) return;
      due = true;
      queueMicrotask(() => {
        due = false;
        for (const { run } of [...listeners]) {
          try {
            run();
          } catch (error) {
            report(error);
          }
        }
      });
    },
  };
}
