/**
 * Bare `ws` with what a frame loop can save at most: the messages of a frame joined into one WebSocket frame, made
 * once and written to every socket, 12 times a second. No protocol, no lanes, no membership, no account of losses.
 */
import type { Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import { announce, createIngress } from '../server-process.js';

const FRAME_MS = 1000 / 12;
let waiting: string[] = [];
const sockets = new Set<Socket>();

const server = createIngress((body) => waiting.push(`{"event":"chat","data":${body}}`));
const webSockets = new WebSocketServer({ server, perMessageDeflate: false, clientTracking: false });
webSockets.on('connection', (client: WebSocket, { socket }) => {
  sockets.add(socket);
  client.on('close', () => sockets.delete(socket));
});

setInterval(() => {
  if (waiting.length === 0) return;
  const frame = textFrame(Buffer.from(waiting.join('\n')));
  waiting = [];
  for (const socket of sockets) socket.write(frame);
}, FRAME_MS);
announce(server);

/** RFC 6455, section 5.2: a whole, unmasked text frame. */
function textFrame(payload: Buffer): Buffer {
  const { length } = payload;
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const header = Buffer.alloc(2 + extended);
  header[0] = 0x81;
  header[1] = extended === 0 ? length : extended === 2 ? 126 : 127;
  if (extended === 2) header.writeUInt16BE(length, 2);
  if (extended === 8) header.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([header, payload]);
}
