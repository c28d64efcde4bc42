/** A node with the service. */
import type { Context } from 'moleculer';
import { announcePart } from '../../src/harness/part.js';
import type { Note } from '../../src/rpc/note.js';
import { createNode } from './node.js';

const node = createNode('worker');
node.createService({ name: 'notes', actions: { echo: ({ params }: Context<Note>): Note => params } });
await node.start();
announcePart();
