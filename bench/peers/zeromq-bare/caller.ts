/** One message a call, with a number by which its answer is found. */

import { reached } from '../../src/harness/part.js';
import { type CallNote, runCaller } from '../../src/rpc/caller-process.js';
import type { Note } from '../../src/rpc/note.js';
import { dealer } from './sockets.js';

const socket = dealer(reached<{ callers: string }>().callers);
const pending = new Map<string, (note: Note) => void>();
const unsent: string[][] = [];
let sending = false;
let lastId = 0;

const call: CallNote = (note) =>
  new Promise((resolve) => {
    const id = String(++lastId);
    pending.set(id, resolve);
    unsent.push([id, JSON.stringify(note)]);
    if (!sending) void sendAll();
  });

/** A socket sends one message at a time. */
async function sendAll(): Promise<void> {
  sending = true;
  for (let message = unsent.shift(); message !== undefined; message = unsent.shift()) await socket.send(message);
  sending = false;
}

runCaller(call);

for await (const [id, body] of socket) {
  const key = String(id);
  pending.get(key)?.(JSON.parse(String(body)) as Note);
  pending.delete(key);
}
