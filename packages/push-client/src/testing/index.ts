export { FakeReceipts } from './fake-receipts.js';
export { describePushClientContract, type PushClientSetup } from './push-client-contract.js';
