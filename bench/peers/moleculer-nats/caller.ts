/** A node that calls the service of the other. */
import { runCaller } from '../../src/rpc/caller-process.js';
import type { Note } from '../../src/rpc/note.js';
import { createNode } from './node.js';

const node = createNode('caller');
await node.start();
await node.waitForServices('notes');
runCaller((note) => node.call<Note, Note>('notes.echo', note));
