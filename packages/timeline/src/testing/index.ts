export type { LogStoreSetup } from './log-store-contract/setting.js';
export { describeLogStoreContract } from './log-store-contract.js';
export { describeRecordStoreContract, type OpenRecordStore } from './record-store-contract.js';
