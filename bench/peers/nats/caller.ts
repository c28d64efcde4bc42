/** Requests as the official client makes them. */
import { connect, JSONCodec } from 'nats';
import { reached } from '../../src/harness/part.js';
import { runCaller } from '../../src/rpc/caller-process.js';
import type { Note } from '../../src/rpc/note.js';

const codec = JSONCodec<Note>();
const connection = await connect({ servers: `127.0.0.1:${reached<{ port: number }>().port}` });
runCaller(async (note) => {
  const { data } = await connection.request('notes.echo', codec.encode(note), { timeout: 10_000 });
  return codec.decode(data);
});
