/**
 * Receipts of pushes: how many of those to whom a push went have it. It is kept to whom it went, at which place of their logs; how many
 * have it is looked up when somebody wants to know, in the positions that {@link Receipts} keep, and whoever was found to have it is not
 * looked up again. Must not know how pushes travel.
 */
import { ImError, userGroup, withProduct } from '@im/protocol';
import type { Clock, Counter, Metrics } from '@im/protocol/ports';
import { decodeJson, encodeJson } from '@im/rpc';
import type { RecordStore } from '@im/timeline';
import { digest } from '../digest.js';
import { someAtOnce } from '../some-at-once.js';
import { PushIndex, pushOwner } from './push-index.js';
import { NO_SHARE, type PushEntry, type PushShare, shareOf, withEntries, withHaving } from './push-share.js';
import { isConflict, type Receipts } from './receipts.js';

/** A push by its id, among those of its product. */
export interface PushName {
  readonly product: string | undefined;
  readonly id: string;
}

export interface PushSums {
  /** To how many people it went, and how many of them have it. */
  readonly of: number;
  readonly delivered: number;
}

export interface PushReceiptsOptions {
  readonly records: RecordStore;
  readonly receipts: Receipts;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** Of one push, or of several under one id. */
export const MAX_PEOPLE = 10_000;
const SHARE = 'to.';
/** There where the index has it. */
const KNOWN = 'known';
const NOTHING = new Uint8Array();
const PAGE = 1_000;
const MAX_ATTEMPTS = 20;

export class PushReceipts {
  readonly #options: PushReceiptsOptions;
  readonly #index: PushIndex;
  readonly #lookups: Counter;

  constructor(options: PushReceiptsOptions) {
    this.#options = options;
    this.#index = new PushIndex(options);
    this.#lookups = options.metrics.counter('im_workers_push_lookups_total', {
      help: 'People who were looked up because somebody asked how many have a push.',
    });
  }

  /**
   * To be awaited before a push that asks is published: from then on positions of these people are kept, so that none is lost that comes
   * before {@link ask}.
   * @throws ImError TOO_MANY_RECORDS beyond {@link MAX_PEOPLE} under one id; as RecordStore
   */
  async prepare(push: PushName, users: readonly string[]): Promise<void> {
    const { records, receipts } = this.#options;
    const owner = ownerOf(push);
    const [known, shares] = await Promise.all([records.get(owner, [KNOWN]), this.#shares(owner)]);
    const people = new Set(users);
    for (const { waiting, have } of shares.values()) {
      for (const [user] of waiting) people.add(user);
      for (const user of have) people.add(user);
    }
    if (people.size > MAX_PEOPLE) throw new ImError('TOO_MANY_RECORDS', { details: { max: MAX_PEOPLE } });
    await Promise.all([
      known.has(KNOWN) ? undefined : this.#begin(push),
      receipts.prepare(users.map((user) => logOf(push, user))),
    ]);
  }

  /** The push was published, there. Again, or with others of its people: it is one receipt. */
  async ask(push: PushName, entries: readonly PushEntry[]): Promise<void> {
    const byShare = new Map<string, PushEntry[]>();
    for (const entry of entries) {
      const share = shareOf(entry[0]);
      const others = byShare.get(share);
      if (others) others.push(entry);
      else byShare.set(share, [entry]);
    }
    await someAtOnce([...byShare], ([share, some]) => this.#change(push, share, (before) => withEntries(before, some)));
  }

  /** What it says never goes back: who was counted is on record. @throws ImError RECEIPT_UNKNOWN, as RecordStore */
  async sums(push: PushName): Promise<PushSums> {
    const shares = await this.#shares(ownerOf(push));
    if (shares.size === 0) throw new ImError('RECEIPT_UNKNOWN');
    const found = new Map<string, Set<string>>();
    const waiting = [...shares].flatMap(([share, { waiting }]) => waiting.map((entry) => ({ share, entry })));
    this.#lookups.add(waiting.length);
    await someAtOnce(waiting, async ({ share, entry: [user, epoch, version] }) => {
      if (!(await this.#options.receipts.has({ log: logOf(push, user), epoch, version }, user))) return;
      const others = found.get(share);
      if (others) others.add(user);
      else found.set(share, new Set([user]));
    });
    await someAtOnce([...found], async ([share, users]) => {
      shares.set(share, await this.#change(push, share, (before) => withHaving(before, users)));
    });
    let [of, delivered] = [0, 0];
    for (const { waiting, have } of shares.values()) {
      of += waiting.length + have.length;
      delivered += have.length;
    }
    return { of, delivered };
  }

  /** Once, however often it is tried: what is not published would push out others. */
  async #begin(push: PushName): Promise<void> {
    await this.#index.add(push.product, nameOf(push));
    await this.#options.records.write(ownerOf(push), [{ field: KNOWN, body: NOTHING }]);
  }

  /** Again when somebody else was faster. */
  async #change(push: PushName, share: string, change: (before: PushShare) => PushShare): Promise<PushShare> {
    const { records } = this.#options;
    const owner = ownerOf(push);
    const field = SHARE + share;
    for (let attempts = 1; ; attempts += 1) {
      const record = (await records.get(owner, [field])).get(field);
      const after = change(record ? (decodeJson(record.body) as PushShare) : NO_SHARE);
      try {
        await records.write(owner, [{ field, body: encodeJson(after), revision: record?.revision ?? 0 }]);
        return after;
      } catch (error) {
        if (!isConflict(error) || attempts === MAX_ATTEMPTS) throw error;
      }
    }
  }

  async #shares(owner: string): Promise<Map<string, PushShare>> {
    const shares = new Map<string, PushShare>();
    for (let after: string | undefined, more = true; more; ) {
      const range = { prefix: SHARE, limit: PAGE, ...(after !== undefined && { after }) };
      const page = await this.#options.records.page(owner, range);
      for (const { field, body } of page.records) shares.set(field.slice(SHARE.length), decodeJson(body) as PushShare);
      after = page.records.at(-1)?.field;
      more = page.more;
    }
    return shares;
  }
}

function logOf({ product }: PushName, user: string): string {
  return withProduct(product, userGroup(user));
}

/** Ids may have characters that no group has. */
function nameOf({ id }: PushName): string {
  return digest(id);
}

function ownerOf(push: PushName): string {
  return pushOwner(push.product, nameOf(push));
}
