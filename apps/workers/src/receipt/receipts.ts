/**
 * Receipts, kept in records beside the log that they are of: one owner a log, and one write at a time that changes what a position moves
 * all at once, so that it is counted once however often it comes, and by whichever worker. Must not know conversations.
 */
import { ImError, parseGroupId, withProduct } from '@im/protocol';
import type { Logger, Metrics } from '@im/protocol/ports';
import { decodeJson, encodeJson } from '@im/rpc';
import type { RecordChange, RecordStore } from '@im/timeline';
import { someAtOnce } from '../some-at-once.js';
import { Turns } from '../turns.js';
import { type LogState, progressIn, type Reader, type Receipt, ReceiptLog } from './receipt-log.js';
import type { ReceiptNews } from './receipt-news.js';

/** Groups as on the bus. */
export interface LogEntry {
  readonly log: string;
  readonly epoch: string;
  readonly version: number;
}

export interface MovedPosition extends LogEntry {
  readonly user: string;
  readonly device: string;
}

export interface ReceiptStatus {
  readonly of: number;
  readonly delivered: number;
  readonly read: number;
}

export interface ReceiptsOptions {
  readonly records: RecordStore;
  readonly news: ReceiptNews;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

const STATE = 'log';
const RECEIPT = 'of.';
const READER = 'at.';
const DIGITS = 16;
const NEW_LOG: LogState = { epoch: '', top: 0 };
const PAGE = 1_000;
/** With all receipts of a log, within what one write may change. */
const READERS_AT_ONCE = 50;
const MAX_ATTEMPTS = 20;
/** Logs that are known to be prepared. */
const MAX_PREPARED = 10_000;

export class Receipts {
  readonly #options: ReceiptsOptions;
  readonly #prepared = new Set<string>();
  readonly #turns = new Turns();
  readonly #conflicts;

  constructor(options: ReceiptsOptions) {
    this.#options = options;
    this.#conflicts = options.metrics.counter('im_workers_receipt_conflicts_total', {
      help: 'Changes of receipts made anew because another worker had changed them meanwhile.',
    });
  }

  /**
   * To be awaited before something that asks is published to these logs: from then on positions in them are kept, so that none is
   * lost that comes before {@link ask}.
   */
  async prepare(logs: readonly string[]): Promise<void> {
    const owners = logs.map(ownerOf).filter((owner) => !this.#prepared.has(owner));
    await someAtOnce(owners, (owner) => this.#prepare(owner));
  }

  /** Something that asks was published. Again: nothing changes. */
  async ask({ log, epoch, version }: LogEntry, receipt: Receipt): Promise<void> {
    await this.#change(log, [], version, (receipts) => receipts.ask(epoch, version, receipt));
  }

  /** How far devices have the logs; what was told before changes nothing. */
  async moved(positions: readonly MovedPosition[]): Promise<void> {
    const byLog = new Map<string, MovedPosition[]>();
    for (const position of positions) {
      const others = byLog.get(position.log);
      if (others) others.push(position);
      else byLog.set(position.log, [position]);
    }
    await Promise.all([...byLog].map(([log, list]) => this.#movedIn(log, list)));
  }

  /** Somebody has read the log up to this version. */
  async read(log: string, user: string, version: number): Promise<void> {
    await this.#change(log, [user], 0, (receipts) => receipts.read(user, version));
  }

  /** Somebody reads the log from behind this version on. */
  async enter(log: string, user: string, version: number): Promise<void> {
    await this.#change(log, [user], 0, (receipts) => receipts.enter(user, version));
  }

  /** Somebody reads it no more, until they enter again. */
  async leave(log: string, user: string): Promise<void> {
    await this.#changeIfRoom(log, [user], (receipts) => receipts.leave(user));
  }

  /** @returns by version, those that were asked for and are kept, whose sender `by` is if it is given */
  async status(log: string, versions: readonly number[], by?: string): Promise<ReadonlyMap<number, ReceiptStatus>> {
    const found = new Map<number, ReceiptStatus>();
    const records = await this.#options.records.get(ownerOf(log), versions.map(receiptField));
    for (const version of versions) {
      const record = records.get(receiptField(version));
      const receipt = record && (decodeJson(record.body) as Receipt);
      if (!receipt || (by !== undefined && receipt.by !== by)) continue;
      const { of, read = 0, delivered = await this.#deliveredOf(receipt) } = receipt;
      // Who has read it has it, whatever their devices have told.
      found.set(version, { of, delivered: Math.max(delivered, read), read });
    }
    return found;
  }

  /** Whether any device of this person has the entry. Of logs that are prepared. */
  async has({ log, epoch, version }: LogEntry, user: string): Promise<boolean> {
    const field = READER + user;
    const record = (await this.#options.records.get(ownerOf(log), [field])).get(field);
    if (!record) return false;
    return (progressIn(decodeJson(record.body) as Reader, epoch)?.delivered ?? 0) >= version;
  }

  /**
   * Who has the entry, on which devices, and who has read it; by user.
   * @param range `epoch` is that of the version; default: the one that was asked for last
   */
  async readers(
    log: string,
    version: number,
    range: { readonly epoch?: string | undefined; readonly after?: string | undefined; readonly limit: number },
  ) {
    const { after, limit } = range;
    const owner = ownerOf(log);
    const epoch = range.epoch ?? (await this.#epochOf(owner));
    const page = await this.#options.records.page(owner, {
      prefix: READER,
      ...(after !== undefined && { after: READER + after }),
      limit,
    });
    const users = page.records.map(({ field, body }) => {
      const { devices = {}, read = 0 } = progressIn(decodeJson(body) as Reader, epoch) ?? {};
      const having = Object.keys(devices).filter((device) => (devices[device] as number) >= version);
      return { user: field.slice(READER.length), devices: having, read: read >= version };
    });
    return { users, more: page.more };
  }

  async #epochOf(owner: string): Promise<string> {
    const state = (await this.#options.records.get(owner, [STATE])).get(STATE);
    return state ? (decodeJson(state.body) as LogState).epoch : NEW_LOG.epoch;
  }

  async #prepare(owner: string): Promise<void> {
    const { records } = this.#options;
    if (!(await records.get(owner, [STATE])).has(STATE)) {
      const change = { field: STATE, body: encodeJson(NEW_LOG), revision: 0 };
      await records.write(owner, [change]).catch((error: unknown) => {
        if (!isConflict(error)) throw error;
      });
    }
    this.#prepared.add(owner);
    if (this.#prepared.size > MAX_PREPARED) this.#prepared.delete(this.#prepared.values().next().value as string);
  }

  async #deliveredOf({ notices = [] }: Receipt): Promise<number> {
    let sum = 0;
    for (const { log, version } of notices) sum += (await this.status(log, [version])).get(version)?.delivered ?? 0;
    return sum;
  }

  async #movedIn(log: string, positions: readonly MovedPosition[]): Promise<void> {
    for (let at = 0; at < positions.length; at += READERS_AT_ONCE) {
      const some = positions.slice(at, at + READERS_AT_ONCE);
      const users = [...new Set(some.map(({ user }) => user))];
      await this.#changeIfRoom(log, users, (receipts) => {
        for (const { user, device, epoch, version } of some) receipts.delivered(user, device, epoch, version);
      });
    }
  }

  /** Nobody else is to wait for a log that can keep no more. */
  async #changeIfRoom(log: string, users: readonly string[], change: (receipts: ReceiptLog) => void): Promise<void> {
    await this.#change(log, users, 0, change).catch((error: unknown) => {
      if (!(error instanceof ImError) || error.retryable) throw error;
      this.#options.logger.warn('how far a log is read cannot be kept', { log, error });
    });
  }

  /**
   * Changes the receipts of a log, again when another worker was faster. Of a log that was never prepared nothing is kept.
   * @param users whose positions change
   * @param asked the version that is asked for; else 0
   */
  #change(log: string, users: readonly string[], asked: number, change: (receipts: ReceiptLog) => void): Promise<void> {
    const owner = ownerOf(log);
    return this.#turns.take(owner, async () => {
      for (let attempts = 1; ; attempts += 1) {
        try {
          return await this.#tryToChange(log, owner, users, asked, change);
        } catch (error) {
          if (!isConflict(error) || attempts === MAX_ATTEMPTS) throw error;
          this.#conflicts.add();
        }
      }
    });
  }

  async #tryToChange(
    log: string,
    owner: string,
    users: readonly string[],
    asked: number,
    change: (receipts: ReceiptLog) => void,
  ): Promise<void> {
    const { records, news } = this.#options;
    const found = await records.get(owner, [STATE, ...users.map((user) => READER + user)]);
    const state = found.get(STATE);
    if (!state && asked === 0) return;
    const before = state ? (decodeJson(state.body) as LogState) : NEW_LOG;
    const readers =
      asked > 0 && asked <= before.top
        ? await this.#all<Reader>(owner, READER)
        : [...found].flatMap(([field, { body }]) =>
            field === STATE ? [] : [[field.slice(READER.length), decodeJson(body) as Reader] as const],
          );
    const receipts = new ReceiptLog(before, readers, (await this.#all<Receipt>(owner, RECEIPT)).map(numbered));
    change(receipts);
    if (!receipts.isChanged) return;
    // That it is still the same state proves that nothing of the log was changed meanwhile.
    const changes: RecordChange[] = [
      { field: STATE, body: encodeJson(receipts.state), revision: state?.revision ?? 0 },
      ...[...receipts.changedReaders].map((user) => recordOf(READER + user, receipts.reader(user))),
      ...[...receipts.changedReceipts].map((version) => recordOf(receiptField(version), receipts.receipt(version))),
    ];
    await records.write(owner, changes);
    for (const version of receipts.changedReceipts) {
      const receipt = receipts.receipt(version);
      if (receipt) news.add(log, receipt);
    }
  }

  /** Of all fields that begin so: what follows, and the value. */
  async #all<Value>(owner: string, prefix: string): Promise<(readonly [string, Value])[]> {
    const all: (readonly [string, Value])[] = [];
    for (let after: string | undefined, more = true; more; ) {
      const page = await this.#options.records.page(owner, {
        prefix,
        ...(after !== undefined && { after }),
        limit: PAGE,
      });
      for (const { field, body } of page.records) all.push([field.slice(prefix.length), decodeJson(body) as Value]);
      after = page.records.at(-1)?.field;
      more = page.more;
    }
    return all;
  }
}

export const isConflict = (error: unknown): boolean => error instanceof ImError && error.name === 'RECORD_CHANGED';

/** Records of their own: the log's group has others. @throws ImError GROUP_INVALID */
function ownerOf(log: string): string {
  const { product, kind, name } = parseGroupId(log);
  return withProduct(product, `q${kind}:${name}`);
}

/** In order of versions. */
function receiptField(version: number): string {
  return RECEIPT + String(version).padStart(DIGITS, '0');
}

function numbered<Value>([digits, value]: readonly [string, Value]): readonly [number, Value] {
  return [Number(digits), value];
}

function recordOf(field: string, value: unknown): RecordChange {
  return { field, body: value === undefined ? undefined : encodeJson(value) };
}
