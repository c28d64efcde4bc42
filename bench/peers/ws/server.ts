/** `ws` as its documentation shows a broadcast: one send a viewer and message. */
import { WebSocket, WebSocketServer } from 'ws';
import { announce, createIngress } from '../server-process.js';

const server = createIngress((body) => {
  const message = Buffer.from(`{"event":"chat","data":${body}}`);
  for (const client of sockets.clients) {
    if (client.readyState === WebSocket.OPEN) client.send(message, { binary: false });
  }
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
announce(server);
