/** What services need of the process that owns broadcast node, logs and online list, reached by RPC. */
import type { Publisher } from '@im/broadcast';
import type { OnlineReader } from '@im/groups';
import type { LogReader } from '@im/timeline';
import { createRelayedLogReader } from './relayed-log.js';
import { createRelayedOnlineReader } from './relayed-online.js';
import { createRelayedPublisher, type RelayedPublisherOptions } from './relayed-publisher.js';

export interface RelayedParts {
  readonly publisher: Publisher;
  readonly log: LogReader;
  readonly online: OnlineReader;
}

export function createRelayedParts(options: RelayedPublisherOptions): RelayedParts {
  return {
    publisher: createRelayedPublisher(options),
    log: createRelayedLogReader(options.caller),
    online: createRelayedOnlineReader(options.caller),
  };
}
