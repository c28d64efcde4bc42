/**
 * A session as a transcript: what the app does, what goes over the wire, what the app sees. Recorded once for each
 * release and replayed by later ones, so that an old client still works with a new gateway and the other way round.
 */
import { FakeClock } from '@im/protocol/testing';
import { type Client, createClient, type Room, type WebSocketConstructor } from '../index.js';
import { FakeSignals } from '../testing/fake-signals.js';

/** What drives a session. */
export type Act =
  | { readonly app: 'connect' }
  | { readonly app: 'close' }
  | { readonly app: 'enter'; readonly room: string }
  | { readonly app: 'leave'; readonly room: string }
  | { readonly app: 'call'; readonly method: string; readonly data: unknown; readonly key?: string }
  /** Milliseconds that pass. */
  | { readonly time: number }
  /** The messages of one frame from the gateway. */
  | { readonly gateway: readonly unknown[] }
  /** The gateway closes. */
  | { readonly closed: number };

/** What follows from it: the messages of one frame of the client, or something the app sees. */
type Effect = { readonly client: readonly unknown[] } | { readonly sees: readonly unknown[] };

export type Step = Act | Effect;

export interface Recording {
  /** The release whose client was recorded. */
  readonly release: string;
  readonly steps: readonly Step[];
}

export interface Session {
  /** Everything so far, acts and effects, in order. */
  readonly steps: Step[];
  /** Of the app and of time; the frames of a gateway are its own business. */
  act(act: Act): void;
}

/** The messages of a frame. */
export const messagesOf = (frame: string): unknown[] => frame.split('\n').map((line) => JSON.parse(line));

/** A frame of messages. */
export const frameOf = (messages: readonly unknown[]): string =>
  messages.map((message) => JSON.stringify(message)).join('\n');

/** A client of which everything is noted. */
export function createSession(WebSocket: WebSocketConstructor): Session {
  const clock = new FakeClock();
  const steps: Step[] = [];
  const rooms = new Map<string, Room<Record<string, unknown>, unknown>>();
  const see = (...what: readonly unknown[]): void => void steps.push({ sees: what });
  const client: Client = createClient(
    { url: 'wss://gateway', token: 'ann', device: 'phone-1', platform: 'web', WebSocket },
    { clock, random: () => 0, signals: new FakeSignals() },
  );
  client.on('state', (state) =>
    see(state.status, state.code, ...(state.status === 'connected' ? [state.user, state.resumed] : [])),
  );
  client.on('error', (error) => see('error', String(error)));
  client.user.on('message', (data, { version }) => see('user', 'message', data, version));
  client.everyone.on('notice', (data, { version }) => see('everyone', 'notice', data, version));

  function listen(room: Room<Record<string, unknown>, unknown>): void {
    rooms.set(room.name, room);
    see(room.id, 'entered', room.data);
    for (const event of ['chat', 'gift']) {
      room.on(event, (data, { version }) => see(room.id, event, data, ...(version ? [version] : [])));
    }
    room.on('$shed', ({ count, reason }) => see(room.id, 'shed', count ?? 'unknown', reason));
    room.on('$recovered', ({ recovered, missed }) => see(room.id, 'recovered', recovered, missed ?? null));
    room.on('$left', ({ code }) => see(room.id, 'left', code));
    room.on('$entered', (data) => see(room.id, 'entered again', data));
  }
  const fail = (error: unknown): void => see('failed', (error as Error).name);

  return {
    steps,
    act(act) {
      steps.push(act);
      if ('time' in act) clock.advance(act.time);
      else if (!('app' in act)) return;
      else if (act.app === 'connect') client.connect();
      else if (act.app === 'close') client.close();
      else if (act.app === 'enter') client.enter(act.room).then(listen, fail);
      else if (act.app === 'leave')
        rooms
          .get(act.room)
          ?.leave()
          .then(() => see(act.room, 'was left'), fail);
      else {
        const { method, data, key } = act;
        client.call(method, data, key === undefined ? {} : { key }).then((answer) => see(method, answer), fail);
      }
    },
  };
}
