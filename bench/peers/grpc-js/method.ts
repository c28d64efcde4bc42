/** The one method, with JSON as its wire format: no generated code, as in all other systems. */
import type { MethodDefinition } from '@grpc/grpc-js';
import type { Note } from '../../src/rpc/note.js';

const serialize = (note: Note): Buffer => Buffer.from(JSON.stringify(note));
const deserialize = (bytes: Buffer): Note => JSON.parse(bytes.toString()) as Note;

export const echo: MethodDefinition<Note, Note> = {
  path: '/notes.Notes/Echo',
  ...{ requestStream: false, responseStream: false },
  ...{ requestSerialize: serialize, requestDeserialize: deserialize },
  ...{ responseSerialize: serialize, responseDeserialize: deserialize },
};
