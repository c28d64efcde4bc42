/** `ws` as its documentation shows a broadcast: one send a viewer and message. */
import { WebSocket, WebSocketServer } from 'ws';
import { announce, createIngress } from '../server-process.js';

const server = createIngress((body) => {
  const message = `{"event":"chat","data":${body}}`;
  for (const client of sockets.clients) if (client.readyState === WebSocket.OPEN) client.send(message);
});
const sockets = new WebSocketServer({ server, perMessageDeflate: false });
announce(server);
