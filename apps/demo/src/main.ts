/** The page: sign in, then one room. `?room=<name>` chooses another one. */
import { createClient } from '@im/client-sdk';
import { indexedDbPositions } from '@im/client-sdk/indexed-db';
import type { LiveApp } from './api.js';
import { CuttableSocket } from './cuttable-socket.js';
import { LiveRoom } from './live-room.js';
import { deviceId, type Identity, lastName, signIn } from './sign-in.js';
import { signInView } from './view/sign-in.js';

const app = document.querySelector('#app') as HTMLElement;
const room = new URLSearchParams(location.search).get('room') ?? '10000';

async function enter(name: string): Promise<void> {
  let me: Identity = await signIn(name);
  let fresh = true;
  const client = createClient<LiveApp>({
    url: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/im`,
    // The first token is at hand; later ones are fetched when the gateway asks for one.
    token: async () => {
      if (!fresh) me = await signIn(name);
      fresh = false;
      return me.token;
    },
    device: deviceId(),
    platform: 'web',
    // Of this tab: what another tab has seen is not what this one has.
    positions: indexedDbPositions(`im.demo.positions.${me.user}.${deviceId()}`),
    WebSocket: CuttableSocket,
  });
  const live = new LiveRoom(client, me, room);
  app.replaceChildren(live.view.root);
  live.start();
}

app.replaceChildren(signInView(lastName(), enter));
