/** Which receipts of pushes there are, so that those that are old, or too many, are forgotten. Must not know what is in them. */
import { ImError, withProduct } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import type { RecordStore } from '@im/timeline';

export interface PushIndexOptions {
  readonly records: RecordStore;
  readonly clock: Clock;
}

const KEPT_MS = 7 * 86_400_000;
/** Looked at whenever one is added: more than come, so that those that are due are used up. */
const DUE_AT_ONCE = 4;
/** Forgotten when there is no room: the store lets an owner have 10,000 records. */
const SURPLUS = 100;
const DIGITS = 16;
const NOTHING = new Uint8Array();

/** Where the receipt of a push is kept. @param name fit for a group */
export function pushOwner(product: string | undefined, name: string): string {
  return withProduct(product, `qp:${name}`);
}

export class PushIndex {
  readonly #options: PushIndexOptions;

  constructor(options: PushIndexOptions) {
    this.#options = options;
  }

  /** Before anything of the receipt is kept. Twice is no harm. */
  async add(product: string | undefined, name: string): Promise<void> {
    const { records, clock } = this.#options;
    const now = clock.now();
    await this.#forget(product, DUE_AT_ONCE, now - KEPT_MS);
    const entry = { field: fieldOf(now, name), body: NOTHING };
    const adding = () => records.write(ownerOf(product), [entry]);
    await adding().catch(async (error: unknown) => {
      if (!(error instanceof ImError) || error.name !== 'TOO_MANY_RECORDS') throw error;
      await this.#forget(product, SURPLUS, now);
      await adding();
    });
  }

  /** The oldest, if they are as old as this. */
  async #forget(product: string | undefined, most: number, until: number): Promise<void> {
    const { records } = this.#options;
    const { records: oldest } = await records.page(ownerOf(product), { prefix: '', limit: most });
    const due = oldest.filter(({ field }) => field < fieldOf(until, ''));
    if (due.length === 0) return;
    for (const { field } of due) await this.#drop(pushOwner(product, field.slice(DIGITS + 1)));
    await records.write(
      ownerOf(product),
      due.map(({ field }) => ({ field, body: undefined })),
    );
  }

  async #drop(owner: string): Promise<void> {
    const { records } = this.#options;
    for (let more = true; more; ) {
      const page = await records.page(owner, { prefix: '', limit: 256 });
      more = page.more;
      if (page.records.length === 0) return;
      await records.write(
        owner,
        page.records.map(({ field }) => ({ field, body: undefined })),
      );
    }
  }
}

/** No digest has so few characters. */
function ownerOf(product: string | undefined): string {
  return pushOwner(product, 'index');
}

/** In order of time. */
function fieldOf(time: number, name: string): string {
  return `${String(time).padStart(DIGITS, '0')}.${name}`;
}
