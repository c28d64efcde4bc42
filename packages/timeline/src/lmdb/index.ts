export { type LmdbLogStoreOptions, openLmdbLogStore } from './open-lmdb-log-store.js';
