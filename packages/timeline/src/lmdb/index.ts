export { type LmdbLogStoreOptions, type LmdbStore, openLmdbLogStore } from './open-lmdb-log-store.js';
