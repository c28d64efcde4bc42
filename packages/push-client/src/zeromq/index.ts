export {
  createZeromqPushClient,
  type PushKeys,
  type ZeromqPushClient,
  type ZeromqPushClientOptions,
} from './zeromq-push-client.js';
