/** NATS's client protocol over WebSocket. */
import type { Dialect } from '../dialect.js';

export const nats: Dialect = {
  path: '/',
  opened: () => {},
  control(viewer, payload) {
    if (payload.startsWith('INFO')) {
      const subscriptions = viewer.rooms.map((room, i) => `SUB ${room} ${i + 1}\r\n`).join('');
      viewer.sendBinary(`CONNECT {"verbose":false,"pedantic":false}\r\n${subscriptions}PING\r\n`);
    } else if (payload.startsWith('PONG')) viewer.joined();
    else if (payload.startsWith('PING')) viewer.sendBinary('PONG\r\n');
  },
};
