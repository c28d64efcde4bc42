export type { PushClientSetup } from './contract/setting.js';
export { FakeReceipts } from './fake-receipts.js';
export { describePushClientContract } from './push-client-contract.js';
