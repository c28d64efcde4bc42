/**
 * Records: small state that changes, beside the logs: who is a member, how far somebody has read. The interface of all
 * stores (memory, LMDB, Redis); `./testing` proves each. Must not know what records say, sockets or transport.
 */

export interface StoredRecord {
  /** Opaque; must not be changed. */
  readonly body: Uint8Array;
  /** Another one for every body that this field of this owner ever had: above 0, and higher than the one before. */
  readonly revision: number;
}

export interface NamedRecord extends StoredRecord {
  readonly field: string;
}

export interface RecordRange {
  /** What the fields begin with; may be empty. */
  readonly prefix: string;
  /** Fields behind this one. */
  readonly after?: string;
  /** 1 to 1,000. */
  readonly limit: number;
}

export interface RecordPage {
  /** By field, ascending. Ends early at 512 KiB of bodies, but never before one record. */
  readonly records: readonly NamedRecord[];
  /** Whether there are further ones. */
  readonly more: boolean;
}

export interface RecordChange {
  /** `[A-Za-z0-9_.:-]{1,128}` */
  readonly field: string;
  /** Copied or persisted before the write settles. Undefined: the record is to be deleted. */
  readonly body: Uint8Array | undefined;
  /** The revision that it must still have; 0: it must not be there. Left out: whatever is there. */
  readonly revision?: number;
}

/** Owners are group ids, with their product. Readers see what was written before, whole writes only. */
export interface RecordReader {
  /**
   * What is not there is left out.
   * @param fields at most 256
   * @throws ImError GROUP_INVALID, INVALID_ARGUMENT (details.field), STORE_UNAVAILABLE, CLOSED
   */
  get(owner: string, fields: readonly string[]): Promise<ReadonlyMap<string, StoredRecord>>;
  /** @throws ImError as `get` */
  page(owner: string, range: RecordRange): Promise<RecordPage>;
}

export interface RecordStore extends RecordReader {
  /**
   * All changes or none, as durable as an append to the store's logs. Who needs an order awaits one write before the next.
   * @param changes at most 256, each of another field; 512 KiB of bodies
   * @throws ImError RECORD_CHANGED (details.field: a revision is another one; read again and decide anew), STORE_UNAVAILABLE
   * (retryable; whether it was carried out is unknown: with revisions, repeating it is safe, and RECORD_CHANGED may then mean
   * that it was), STORE_FULL, TOO_MANY_RECORDS, BODY_TOO_LARGE, QUEUE_FULL (retryable: nothing was taken), GROUP_INVALID,
   * INVALID_ARGUMENT (details.field), CLOSED
   */
  write(owner: string, changes: readonly RecordChange[]): Promise<void>;
}
