/** Opens an LMDB store: its files, its identity, and the defaults of everything that can be set. */
import { randomBytes } from 'node:crypto';
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger } from '@im/protocol/ports';
import type { LogStore } from '../log-store.js';
import type { RecordStore } from '../record-store.js';
import { type Retention, type RetentionPolicy, retentionByGroup } from '../retention.js';
import type { PipelineOptions } from './commit-pipeline.js';
import type { Database } from './database.js';
import { beginIncarnation, isOriginal } from './incarnation.js';
import { openLmdbDatabase } from './lmdb-database.js';
import { LmdbLogStore } from './lmdb-log-store.js';
import { StoreFigures } from './store-figures.js';

export interface LmdbLogStoreOptions {
  /** Folder of the store's files; made if need be. One process at a time. */
  readonly path: string;
  /** Default: 10,000 entries, 16 MiB of bodies and 90 days of every log. */
  readonly retention?: RetentionPolicy;
  /**
   * To be set once after an older image of the whole disk was put back: positions told since it was made are then known to be void, where
   * the same versions would otherwise be given a second time. A copy of the files is noticed without it.
   */
  readonly renewEpoch?: boolean;
  /**
   * Told once, when this process cannot write any more, since LMDB's binding failed in a way that may have damaged its memory: end it, and
   * start another. Must not throw. A disk that is full or read-only, or fails to flush, is no such failure: the store goes on by itself.
   */
  readonly onFailed?: (error: ImError) => void;
  /** Its wall clock decides what is too old. */
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

export interface LmdbStore extends LogStore {
  /** Beside the logs: in the same files, flushed by the same transactions. */
  readonly records: RecordStore;
}

const DEFAULT_RETENTION: Retention = { maxEntries: 10_000, maxBytes: 16_777_216, maxAgeMs: 90 * 86_400_000 };

/** Of the tables' layout. */
const FORMAT = 'im-timeline 1';
const FORMAT_KEY = Buffer.from('format');
const EPOCH_KEY = Buffer.from('epoch');

/**
 * An embedded store that acknowledges what is flushed to the disk. Its epoch lasts as long as its files; a copy of them begins another one.
 * @throws ImError STORE_UNAVAILABLE (one line that says why), CONFIG_INVALID
 */
export async function openLmdbLogStore(options: LmdbLogStoreOptions): Promise<LmdbStore> {
  const retentionOf = retentionByGroup(options.retention ?? { default: DEFAULT_RETENTION });
  const logger = options.logger ?? silentLogger;
  const { path: folder } = options;
  const database = openLmdbDatabase(folder);
  let store: LmdbStore | undefined;
  try {
    const original = isOriginal(folder, database);
    if (!original) logger.warn('the store was copied, or put back from a copy: its logs begin a new epoch', { folder });
    store = await openStoreIn(database, {
      retentionOf,
      clock: options.clock ?? systemClock,
      logger,
      figures: new StoreFigures(options.metrics ?? noMetrics),
      maxPendingEntries: 100_000,
      maxPendingBytes: 67_108_864,
      maxIdleLogs: 10_000,
      checkpointFrom: 8_192,
      onFailed: options.onFailed ?? (() => {}),
      renewEpoch: !original || (options.renewEpoch ?? false),
    });
    await beginIncarnation(folder, database);
    return store;
  } catch (error) {
    await (store ?? database).close();
    throw error;
  }
}

interface OpeningOptions extends Omit<PipelineOptions, 'database'> {
  readonly renewEpoch?: boolean;
}

/** The same on tables that are open already. */
export async function openStoreIn(database: Database, options: OpeningOptions): Promise<LmdbStore> {
  const format = textOf(database.get('meta', FORMAT_KEY));
  if (format !== undefined && format !== FORMAT) {
    throw new ImError('STORE_UNAVAILABLE', {
      message: `the store has format ${JSON.stringify(format)}, not ${FORMAT}`,
    });
  }
  const epoch = options.renewEpoch ? undefined : textOf(database.get('meta', EPOCH_KEY));
  return new LmdbLogStore({ ...options, database, epoch: epoch ?? (await beginEpoch(database)) });
}

/** Gives a store its identity. */
async function beginEpoch(database: Database): Promise<string> {
  const epoch = randomBytes(9).toString('base64url');
  await database.commit((writes) => {
    writes.put('meta', FORMAT_KEY, Buffer.from(FORMAT));
    writes.put('meta', EPOCH_KEY, Buffer.from(epoch));
  });
  return epoch;
}

function textOf(bytes: Uint8Array | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString();
}
