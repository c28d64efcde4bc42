export { type IdSource, type IdSourceOptions, openIdSource } from './id-source.js';
export type { Appended, Entry, Head, LogReader, LogStore, NewEntry, Page, ReadRange } from './log-store.js';
export type {
  NamedRecord,
  RecordChange,
  RecordPage,
  RecordRange,
  RecordReader,
  RecordStore,
  StoredRecord,
} from './record-store.js';
export type { Retention, RetentionPolicy } from './retention.js';
export { type LogStoresByKind, routeLogStores } from './routed-log-store.js';
export { type Availability, type StandInOptions, standInFor } from './stand-in-log-store.js';
