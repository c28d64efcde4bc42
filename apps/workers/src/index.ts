export { APPLICATION_ERRORS, type ApplicationErrorName } from './application-errors.js';
export { authDefinition } from './auth/auth-service.js';
export {
  type IssuedToken,
  issueToken,
  TOKEN_AUDIENCE,
  TOKEN_ISSUER,
  type TokenRequest,
  type TokenSigner,
  userIdOf,
} from './auth/development-tokens.js';
export { CHAT_EVENT, chatDefinition } from './chat/chat-service.js';
export { conversationDefinition } from './conversation/conversation-definition.js';
export { GIFTS, type Gift } from './gift/gift-catalogue.js';
export { GIFT_EVENT, type GiftBody, giftDefinition } from './gift/gift-service.js';
export type { OfflineEvent, OfflineSink } from './offline/offline-event.js';
export { createOfflineServiceSink } from './offline/offline-service-sink.js';
export { createWebhook } from './offline/webhook.js';
export type { Rate } from './rate-limit.js';
export { receiptDefinition } from './receipt/receipt-service.js';
export { AUDIENCE_EVENT } from './room/audience.js';
export { LIKE_EVENT, roomDefinition } from './room/room-service.js';
export { createWorkers, DEFAULT_RATES, type WorkerRates, type Workers, type WorkersOptions } from './workers.js';
