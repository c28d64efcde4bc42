/** A server with the method. */
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData } from '@grpc/grpc-js';
import { announcePart } from '../../src/harness/part.js';
import type { Note } from '../../src/rpc/note.js';
import { echo } from './method.js';

const server = new Server();
server.addService(
  { echo },
  { echo: ({ request }: ServerUnaryCall<Note, Note>, answer: sendUnaryData<Note>) => answer(null, request) },
);
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error) throw error;
  announcePart({ port });
});
