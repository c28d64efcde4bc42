/** Answers each message with the note in it. */

import { announcePart, reached } from '../../src/harness/part.js';
import type { Note } from '../../src/rpc/note.js';
import { dealer } from './sockets.js';

const socket = dealer(reached<{ workers: string }>().workers);
await socket.send('');
announcePart();

for await (const [caller = Buffer.alloc(0), id = caller, body = caller] of socket) {
  const note = JSON.parse(body.toString()) as Note;
  await socket.send([caller, id, JSON.stringify(note)]);
}
