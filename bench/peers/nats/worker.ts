/** Answers requests on a subject with the note in them. */
import { connect, JSONCodec } from 'nats';
import { announcePart, reached } from '../../src/harness/part.js';
import type { Note } from '../../src/rpc/note.js';

const codec = JSONCodec<Note>();
const connection = await connect({ servers: `127.0.0.1:${reached<{ port: number }>().port}` });
connection.subscribe('notes.echo', {
  callback: (error, message) => {
    if (error) throw error;
    message.respond(codec.encode(codec.decode(message.data)));
  },
});
await connection.flush();
announcePart();
