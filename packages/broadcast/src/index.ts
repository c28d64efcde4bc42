export type {
  Acknowledgement,
  Broadcast,
  Published,
  PublishedMany,
  Publisher,
  PublishOptions,
  Sequenced,
  Sequencer,
  Subscriber,
  SubscriberHandlers,
} from './broadcast.js';
