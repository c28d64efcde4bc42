export { createMemoryLogStore, type MemoryLogStoreOptions } from './memory-log-store.js';
