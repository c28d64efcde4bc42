export { describeLogStoreContract, type LogStoreSetup } from './log-store-contract.js';
