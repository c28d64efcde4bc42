/**
 * What is replayed, encoded: those who return in one turn read one page of a log, and are sent the same bytes. Kept as long as the page
 * is. Must not know who is sent them.
 */
import type { Encoding } from '@im/groups';
import type { Page } from '@im/timeline';
import { deliveryOf } from '../feed/delivery-of.js';

export class ReplayChunks {
  readonly #chunks = new WeakMap<Page, Map<Encoding, Uint8Array>>();

  /** All entries of a page, of which there must be some. @param group as on the bus, always the same of a page */
  whole(group: string, page: Page, encoding: Encoding): Uint8Array {
    let chunks = this.#chunks.get(page);
    if (chunks === undefined) {
      chunks = new Map();
      this.#chunks.set(page, chunks);
    }
    let chunk = chunks.get(encoding);
    if (chunk === undefined) {
      chunk = encoding.pushesToOne(page.entries.map((entry) => deliveryOf(group, page.epoch, entry)));
      chunks.set(encoding, chunk);
    }
    return chunk;
  }
}
