/** Engine.IO 4 over WebSocket, and Socket.IO's default namespace above it. */
import type { Dialect } from '../dialect.js';

export const socketIo: Dialect = {
  path: '/socket.io/?EIO=4&transport=websocket',
  opened: () => {},
  control(viewer, payload) {
    if (payload.startsWith('0')) viewer.sendText('40');
    else if (payload.startsWith('40')) viewer.joined();
    else if (payload === '2') viewer.sendText('3');
  },
};
