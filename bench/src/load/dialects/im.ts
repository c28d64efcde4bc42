/** docs/protocol.md: hello, one call a room, pong. */
import type { Dialect, DialectViewer } from '../dialect.js';

const HELLO_ID = 1;

export const im: Dialect = {
  path: '/',
  subprotocol: 'im.json.v1',
  opened(viewer) {
    const token = `viewer-${viewer.index}`;
    viewer.sendText(JSON.stringify({ type: 'hello', id: HELLO_ID, token, device: 'bench', platform: 'bench' }));
  },
  control(viewer, payload) {
    for (const line of payload.split('\n')) handle(viewer, JSON.parse(line));
  },
  heartbeat: (viewer) => viewer.sendText('{"type":"ping"}'),
};

function handle(viewer: DialectViewer, message: { type: string; id?: number; count?: number }): void {
  switch (message.type) {
    case 'welcome': {
      const calls = viewer.rooms.map((room, i) =>
        JSON.stringify({ type: 'call', id: HELLO_ID + 1 + i, method: 'bench.enter', data: { room } }),
      );
      viewer.sendText(calls.join('\n'));
      break;
    }
    case 'reply':
      viewer.entered();
      break;
    case 'shed':
      viewer.shed(message.count ?? Number.NaN);
      break;
    case 'ping':
      viewer.sendText('{"type":"pong"}');
      break;
    case 'error':
      throw new Error(`refused: ${JSON.stringify(message)}`);
  }
}
