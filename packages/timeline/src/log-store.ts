/**
 * Versioned logs per group: the interface of all stores (memory, LMDB, Redis); `./testing` proves each.
 * Owns versions, epochs, entries and their retention. Must not know sockets or transport.
 */
import type { Position } from '@im/protocol';

export interface NewEntry {
  /** Message id. Appending the same id again returns the same version for as long as the entry is kept. */
  readonly id?: string;
  readonly event: string;
  /** Opaque; copied or persisted before the append settles. */
  readonly body: Uint8Array;
  /** Publisher's clock, milliseconds since 1970. */
  readonly time: number;
}

export interface Entry extends NewEntry {
  readonly version: number;
}

export interface Appended extends Position {
  readonly duplicate: boolean;
}

export interface Head extends Position {
  /** Oldest version still kept; `version + 1` when none is. */
  readonly first: number;
  /** The epochs before, the last one first, and up to which of its versions this one has the same entries; only where the store knows. */
  readonly continues?: readonly Position[];
}

/** Forward after a version, or backward before one; ends early at `maxBytes` of bodies, but never before one entry. */
export type ReadRange =
  | { readonly after: number; readonly limit: number; readonly maxBytes?: number }
  | { readonly before: number; readonly limit: number; readonly maxBytes?: number };

export interface Page extends Head {
  /** Ascending for `after`, descending for `before`, without holes. */
  readonly entries: readonly Entry[];
}

export interface LogReader {
  /**
   * A log that was never written has version 0, and the epoch that its first entry will have.
   * @throws ImError GROUP_INVALID, STORE_UNAVAILABLE, CLOSED
   */
  head(group: string): Promise<Head>;
  /**
   * Ranges outside what is kept give fewer entries; `first` and `version` say why. Bodies must not be changed.
   * @throws ImError GROUP_INVALID, INVALID_ARGUMENT, STORE_UNAVAILABLE, CLOSED
   */
  read(group: string, range: ReadRange): Promise<Page>;
}

export interface LogStore extends LogReader {
  /**
   * Settles once as durable as the store promises. Versions are given in the order of the calls, and calls for one
   * group settle in that order.
   * @throws ImError STORE_UNAVAILABLE (retryable; with a message id repeating is safe), STORE_FULL, BODY_TOO_LARGE,
   * QUEUE_FULL (retryable: nothing was taken), GROUP_INVALID, INVALID_ARGUMENT (details.field), CLOSED
   */
  append(group: string, entry: NewEntry): Promise<Appended>;
  /**
   * One body, many logs. All are tried; the body is stored once where the store can. A group named twice counts once.
   * @throws ImError for what no group could take: BODY_TOO_LARGE, INVALID_ARGUMENT, CLOSED
   */
  appendMany(groups: readonly string[], entry: NewEntry): Promise<ReadonlyMap<string, Appended | Error>>;
  close(): Promise<void>;
}
