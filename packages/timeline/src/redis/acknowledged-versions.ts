/** The newest version that this process saw acknowledged, of the logs it used last. */
import type { Position } from '@im/protocol';

export class AcknowledgedVersions {
  readonly #max: number;
  /** The least recently used first. */
  readonly #positions = new Map<string, Position>();

  constructor(max: number) {
    this.#max = max;
  }

  get(group: string): Position | undefined {
    return this.#positions.get(group);
  }

  note(group: string, { epoch, version }: Position): void {
    const known = this.#positions.get(group);
    if (known?.epoch === epoch && known.version > version) return;
    this.#positions.delete(group);
    this.#positions.set(group, { epoch, version });
    if (this.#positions.size <= this.#max) return;
    const [oldest] = this.#positions.keys();
    if (oldest !== undefined) this.#positions.delete(oldest);
  }
}
