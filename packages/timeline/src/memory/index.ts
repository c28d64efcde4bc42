export { createMemoryLogStore, type MemoryLogStoreOptions } from './memory-log-store.js';
export { createMemoryRecordStore, type MemoryRecordStoreOptions } from './memory-record-store.js';
