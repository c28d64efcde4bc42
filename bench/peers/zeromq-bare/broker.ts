/** The least that a broker on zeromq.js can be: two ROUTERs, one worker, one message a call, no tables. */
import { announcePart } from '../../src/harness/part.js';
import { router } from './sockets.js';

const [callers, workers] = [await router(), await router()];
announcePart({ callers: callers.address, workers: workers.address });

// The worker says that it is there.
const [worker = Buffer.alloc(0)] = await workers.socket.receive();

async function handOut(): Promise<void> {
  for await (const [caller = worker, id = worker, body = worker] of callers.socket) {
    await workers.socket.send([worker, caller, id, body]);
  }
}

async function answer(): Promise<void> {
  for await (const [, caller = worker, id = worker, body = worker] of workers.socket) {
    await callers.socket.send([caller, id, body]);
  }
}

await Promise.all([handOut(), answer()]);
