/** Commands that a client sent after its hello and before its welcome. Bounded: nobody is known yet. */
import type { Answerable } from './commands.js';

/** Bytes of all bodies together. */
const MAX_BYTES = 65_536;

export class EarlyCommands {
  readonly #commands: Answerable[] = [];
  #bytes = 0;

  /** In the order in which they came. */
  get all(): readonly Answerable[] {
    return this.#commands;
  }

  /** @returns false when there is no room; its number is bounded by the caller */
  add(command: Answerable): boolean {
    const bytes = command.type === 'call' ? (command.data?.length ?? 0) : 0;
    if (this.#bytes + bytes > MAX_BYTES) return false;
    this.#bytes += bytes;
    this.#commands.push(command);
    return true;
  }

  /** Takes a call back. @returns whether it was there */
  remove(id: number): boolean {
    const at = this.#commands.findIndex((command) => command.type === 'call' && command.id === id);
    if (at >= 0) this.#commands.splice(at, 1);
    return at >= 0;
  }
}
