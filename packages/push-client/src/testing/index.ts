export { describePushClientContract, type PushClientSetup } from './push-client-contract.js';
