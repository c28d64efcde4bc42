/** A network that goes and comes, and a page that sleeps and wakes, at a test's word. */
import type { Signal, Signals } from '../connection/signals.js';

export class FakeSignals implements Signals {
  #online = true;
  readonly #listeners = new Set<(signal: Signal) => void>();

  online(): boolean {
    return this.#online;
  }

  watch(listener: (signal: Signal) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** 0 when everything was cleaned up. */
  get watchers(): number {
    return this.#listeners.size;
  }

  emit(signal: Signal): void {
    if (signal !== 'visible') this.#online = signal === 'online';
    for (const listener of [...this.#listeners]) listener(signal);
  }
}
