/** Socket.IO as its documentation shows a room: join, and emit to the room. WebSocket only, no compression. */
import { Server } from 'socket.io';
import { announce, createIngress } from '../server-process.js';

const ROOM = 'bench';
const server = createIngress((body) => io.to(ROOM).emit('chat', JSON.parse(body)));
const io = new Server(server, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });
io.on('connection', (socket) => socket.join(ROOM));
announce(server);
