/** Takes calls and never answers one. */
import { createZeromqRpc } from '@im/rpc/zeromq';
import { announcePart, reached } from '../../src/harness/part.js';
import { type Addresses, HUNG_SERVICE } from './notes.js';

const rpc = createZeromqRpc({ brokers: [reached<Addresses>()] });
await rpc.createWorker().serve({
  ...{ name: HUNG_SERVICE, version: '1', methods: ['call'] },
  handle: () => new Promise<never>(() => {}),
});
announcePart();
