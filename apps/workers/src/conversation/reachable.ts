/**
 * Owns: answering with what can be reached. Conversations are kept in different places; that one is away shall not take the others with it.
 */
import { ImError } from '@im/protocol';

export class Reachable {
  readonly #away = new Set<string>();

  /** Conversations that could not be reached; undefined: all could. */
  get unavailable(): string[] | undefined {
    return this.#away.size === 0 ? undefined : [...this.#away];
  }

  /** Undefined where it may work later. @throws ImError what `look` throws for good */
  async ask<Found>(conversation: string, look: () => Promise<Found>): Promise<Found | undefined> {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof ImError && error.retryable)) throw error;
      this.#away.add(conversation);
      return undefined;
    }
  }
}
