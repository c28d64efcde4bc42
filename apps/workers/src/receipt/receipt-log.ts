/**
 * The receipts of one log, and how far its readers are: who asked for which version, and how many have it or have read it. State
 * alone, and what of it was changed; must not know where it is kept.
 *
 * Positions only grow and each of them is counted once, when it passes a version: so the sums are the same in whatever order
 * positions come, however often, and they never shrink.
 */

/** What is known of the log as a whole. */
export interface LogState {
  /** Of the log; empty before anything was asked. */
  readonly epoch: string;
  /** No reader is further. */
  readonly top: number;
}

/** How far one person has the log, in one of its epochs. */
export interface Progress {
  readonly epoch: string;
  /** How far each device has it. */
  readonly devices: Readonly<Record<string, number>>;
  /** How far any device has it, also one that is forgotten here. */
  readonly delivered: number;
  readonly read: number;
}

/** One person who reads the log. */
export interface Reader extends Progress {
  /** In another epoch: the log has begun anew, and nobody has asked since. */
  readonly other?: Progress;
  /** Reads it no more: what their devices still tell does not count. */
  readonly left?: true;
}

/** Of one entry of the log whose sender asked. What is not counted here is undefined. */
export interface Receipt {
  /** How many people it is for. */
  readonly of: number;
  readonly delivered?: number;
  readonly read?: number;
  /** Whose message it is, whose own devices do not count; undefined: a backend's. */
  readonly by?: string;
  /** What it is to its sender: an entry of this conversation. */
  readonly conversation?: string;
  readonly entry?: number;
  /** Where it is counted how many have it, if not here: other logs, which have notices of it. */
  readonly notices?: readonly { readonly log: string; readonly version: number }[];
}

type Count = 'delivered' | 'read';

/** Receipts of one log; of the oldest no more is told. */
export const MAX_RECEIPTS = 200;
/** Devices of one person that are told apart: those that are behind most are forgotten. */
export const MAX_DEVICES = 16;

/** Undefined where nothing was told of that epoch. */
export function progressIn(reader: Reader | undefined, epoch: string): Progress | undefined {
  return reader?.epoch === epoch ? reader : reader?.other?.epoch === epoch ? reader.other : undefined;
}

export class ReceiptLog {
  readonly #readers: Map<string, Reader>;
  readonly #receipts: Map<number, Receipt>;
  readonly changedReaders = new Set<string>();
  readonly changedReceipts = new Set<number>();

  /** @param readers those that are to be changed; all, to ask below `state.top` @param receipts all */
  constructor(
    public state: LogState,
    readers: Iterable<readonly [string, Reader]>,
    receipts: Iterable<readonly [number, Receipt]>,
  ) {
    this.#readers = new Map(readers);
    this.#receipts = new Map(receipts);
  }

  get isChanged(): boolean {
    return this.changedReaders.size > 0 || this.changedReceipts.size > 0;
  }

  reader(user: string): Reader | undefined {
    return this.#readers.get(user);
  }

  receipt(version: number): Receipt | undefined {
    return this.#receipts.get(version);
  }

  /** A device has the log up to this version. */
  delivered(user: string, device: string, epoch: string, version: number): void {
    const reader = this.#readers.get(user);
    const { devices, delivered, read } = progressIn(reader, epoch) ?? noProgress(epoch);
    if (reader?.left || (devices[device] ?? 0) >= version) return;
    const further = { devices: bounded({ ...devices, [device]: version }), delivered: Math.max(delivered, version) };
    this.#advance(user, { epoch, ...further, read }, 'delivered');
  }

  /** Somebody has read the log up to this version, on whatever device. */
  read(user: string, version: number): void {
    const { epoch } = this.state;
    const reader = this.#readers.get(user);
    const { devices, delivered, read } = progressIn(reader, epoch) ?? noProgress(epoch);
    if (epoch === '' || reader?.left || read >= version) return;
    this.#advance(user, { epoch, devices, delivered, read: version }, 'read');
  }

  /** Somebody reads the log from behind this version on: what was asked before is not for them. */
  enter(user: string, version: number): void {
    const { epoch } = this.state;
    const reader = this.#readers.get(user);
    if (!reader?.left && (epoch === '' || progressIn(reader, epoch))) return;
    const other = reader && !reader.left && { other: bare(reader) };
    this.#setReader(user, { epoch, devices: {}, delivered: version, read: version, ...other });
  }

  /** Somebody reads the log no more, until they enter again. What was counted of them stays. */
  leave(user: string): void {
    const reader: Reader = this.#readers.get(user) ?? noProgress(this.state.epoch);
    if (!reader.left) this.#setReader(user, { ...reader, left: true });
  }

  /** Somebody asks; what was said of the version before is kept. */
  ask(epoch: string, version: number, receipt: Receipt): void {
    if (this.state.epoch !== epoch) this.#begin(epoch);
    if (this.#receipts.has(version)) return;
    const readers = [...this.#readers].flatMap(([user, reader]) => (user === receipt.by ? [] : [reader]));
    const sum = (what: Count) => readers.filter((reader) => (progressIn(reader, epoch)?.[what] ?? 0) >= version).length;
    this.#setReceipt(version, {
      ...receipt,
      ...(receipt.delivered !== undefined && { delivered: Math.min(receipt.of, sum('delivered')) }),
      ...(receipt.read !== undefined && { read: Math.min(receipt.of, sum('read')) }),
    });
    for (const oldest of [...this.#receipts.keys()].sort((a, b) => a - b)) {
      if (this.#receipts.size <= MAX_RECEIPTS) return;
      this.#receipts.delete(oldest);
      this.changedReceipts.add(oldest);
    }
  }

  /** Versions of another epoch mean something else. */
  #begin(epoch: string): void {
    if (this.state.epoch !== '') {
      for (const version of this.#receipts.keys()) this.changedReceipts.add(version);
      this.#receipts.clear();
    }
    this.state = { ...this.state, epoch };
  }

  #advance(user: string, progress: Progress, what: Count): void {
    const reader = this.#readers.get(user);
    const own = this.state.epoch;
    if (progress.epoch === own) this.#count(user, progressIn(reader, own)?.[what] ?? 0, progress[what], what);
    const others = reader ? [reader, ...(reader.other ? [reader.other] : [])] : [];
    const rest = others.filter(({ epoch }) => epoch !== progress.epoch);
    // That of the log's own epoch stays, or receipts would be counted twice; else the one that was told last.
    const kept = rest.find(({ epoch }) => epoch === own) ?? rest[0];
    if (!kept) this.#setReader(user, progress);
    else if (kept.epoch === own) this.#setReader(user, { ...bare(kept), other: progress });
    else this.#setReader(user, { ...progress, other: bare(kept) });
  }

  #count(user: string, from: number, to: number, what: Count): void {
    for (const [version, receipt] of this.#receipts) {
      const count = receipt[what];
      if (count === undefined || version <= from || version > to || receipt.by === user) continue;
      if (count < receipt.of) this.#setReceipt(version, { ...receipt, [what]: count + 1 });
    }
  }

  #setReader(user: string, reader: Reader): void {
    this.#readers.set(user, reader);
    this.changedReaders.add(user);
    const { delivered, read, other } = reader;
    const top = Math.max(this.state.top, delivered, read, other?.delivered ?? 0);
    if (top > this.state.top) this.state = { ...this.state, top };
  }

  #setReceipt(version: number, receipt: Receipt): void {
    this.#receipts.set(version, receipt);
    this.changedReceipts.add(version);
  }
}

function noProgress(epoch: string): Progress {
  return { epoch, devices: {}, delivered: 0, read: 0 };
}

/** Without what a reader has beside it. */
function bare({ epoch, devices, delivered, read }: Progress): Progress {
  return { epoch, devices, delivered, read };
}

function bounded(devices: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const all = Object.entries(devices);
  if (all.length <= MAX_DEVICES) return devices;
  return Object.fromEntries(all.sort(([, a], [, b]) => b - a).slice(0, MAX_DEVICES));
}
