export type {
  Appended,
  Entry,
  Head,
  LogReader,
  LogStore,
  NewEntry,
  Page,
  ReadRange,
  Retention,
} from './log-store.js';
