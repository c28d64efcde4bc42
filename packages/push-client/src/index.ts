export { type CampaignOptions, type CampaignProgress, pushCampaign } from './campaign.js';
export { createHttpPushClient, type HttpPushClientOptions } from './http/http-push-client.js';
export { createPushClient, type PushClientOptions } from './publisher-push-client.js';
export {
  MAX_USERS,
  type PushClient,
  type PushMessage,
  type PushOptions,
  type PushReceipt,
  type ReceiptOptions,
  type WaitOptions,
} from './push-client.js';
export { type PushServiceOptions, servePush } from './rpc/push-service.js';
export { createRpcPushClient, type RpcPushClientOptions } from './rpc/rpc-push-client.js';
