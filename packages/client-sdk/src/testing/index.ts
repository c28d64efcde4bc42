export { FakeConversations } from './fake-conversations.js';
export {
  FakeGateway,
  type FakeGatewayOptions,
  type FakeSession,
  type MethodHandler,
  type PublishOptions,
} from './fake-gateway.js';
export { FakeLink } from './fake-link.js';
export { FakeLog } from './fake-log.js';
export { FakeSignals } from './fake-signals.js';
