/** Listeners by event name. A listener that fails is reported and stops nobody. */

type Listener = (...args: never[]) => unknown;

export interface Emitter {
  /** Returns the function that takes this one subscription back. */
  on(event: string, listener: Listener): () => void;
  /** Calls the listeners that are there now, in the order in which they came. False when there are none. */
  emit(event: string, ...args: unknown[]): boolean;
}

export function createEmitter(report: (error: unknown) => void): Emitter {
  const subscriptions = new Map<string, readonly { run: Listener }[]>();
  const of = (event: string) => subscriptions.get(event) ?? [];
  return {
    on(event, run) {
      const subscription = { run };
      subscriptions.set(event, [...of(event), subscription]);
      // Of an event that nobody listens to any more the name stays: there are few names.
      return () => {
        subscriptions.set(
          event,
          of(event).filter((other) => other !== subscription),
        );
      };
    },
    emit(event, ...args) {
      const current = of(event);
      for (const { run } of current) {
        try {
          const result = run(...(args as never[])) as Partial<Promise<unknown>> | undefined;
          result?.catch?.(report);
        } catch (error) {
          report(error);
        }
      }
      return current.length > 0;
    },
  };
}
