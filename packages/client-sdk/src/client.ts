/** The client: composes connection, calls, groups and rooms. Owns nothing but the wiring and the defaults. */
import {
  type Call,
  CodedError,
  EVERYONE,
  jsonClientCodec,
  type Positions,
  type Reply,
  type Shed,
  type Synced,
} from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type CallOptions, createCalls, type RequestOptions } from './calls.js';
import { backoffMs } from './connection/backoff.js';
import { createConnection } from './connection/connection.js';
import { HELLO_ID } from './connection/hello.js';
import type { WebSocketConstructor } from './connection/link.js';
import { pageSignals } from './connection/signals.js';
import type { ClientState } from './connection/states.js';
import { createEmitter } from './emitter.js';
import { ownError } from './errors.js';
import type { Group } from './groups/group.js';
import { createGroups } from './groups/groups.js';
import { addShed, type ShedTotal } from './groups/shed-total.js';
import type { ClientOptions, Ports } from './options.js';
import { reportToPlatform } from './report-to-platform.js';
import { createRoom, type EnterOptions, type Room, type Stay } from './rooms/room.js';
import type { CallsOf, Entered, EventsOf, Input, Output, Schema } from './schema.js';

export interface ClientEvents {
  /** Every change of {@link Client.state}. */
  state: ClientState;
  /** Normal messages that this client was not sent, in whichever group; without `count` it is unknown how many. */
  shed: Pick<Shed, 'group' | 'count' | 'reason'>;
  /** What went wrong where nobody could be told: in a listener, in the position store, in a message. */
  error: unknown;
}

export interface Client<S extends Schema = Schema> {
  readonly state: ClientState;
  /** What was left out, of all groups, since the client was made. */
  readonly shed: ShedTotal;
  /** Connects, and keeps coming back until `close()` or a refusal. While waiting: tries now. */
  connect(): void;
  /** Ends the connection and all calls. Rooms and listeners stay for another `connect()`. */
  close(): void;
  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => void): () => void;
  /**
   * Calls `service.method`. Waits for a connection if there is none.
   * @throws ImError what the service answered, by `code`; TIMEOUT (`details.sent` false: it was never sent),
   * CANCELLED, DISCONNECTED (without a `key`, the answer was lost with the connection), QUEUE_FULL, FRAME_TOO_LARGE,
   * INVALID_ARGUMENT, CLOSED
   */
  call<M extends keyof CallsOf<S> & string>(
    method: M,
    ...rest: undefined extends Input<CallsOf<S>[M]>
      ? [data?: Input<CallsOf<S>[M]>, options?: CallOptions]
      : [data: Input<CallsOf<S>[M]>, options?: CallOptions]
  ): Promise<Output<CallsOf<S>[M]>>;
  /**
   * Enters a room, once: whoever enters it again meanwhile gets the same one. Attach listeners right after the await:
   * nothing is lost until then.
   * @throws ImError as `call`; CANCELLED when it was left meanwhile, NOT_A_MEMBER when the service did not let in
   */
  enter(room: string, options?: EnterOptions): Promise<Room<EventsOf<S, 'room'>, Entered<S>>>;
  /** Any group the gateway has this connection in, without entering. */
  group<Events = Record<string, unknown>>(id: string): Group<Events>;
  /** `u:<user>`: what is sent to this person, on all their devices. */
  readonly user: Pick<Group<EventsOf<S, 'user'>>, 'on'>;
  /** `r:0`: what is sent to everyone. */
  readonly everyone: Group<EventsOf<S, 'everyone'>>;
}

/** @throws ImError CONFIG_INVALID */
export function createClient<S extends Schema = Schema>(options: ClientOptions, ports: Partial<Ports> = {}): Client<S> {
  const { clock = systemClock, random = Math.random, signals = pageSignals } = ports;
  const {
    WebSocket = (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket,
    roomService = 'room',
    callTimeoutMs = 10_000,
    connectTimeoutMs = 10_000,
    codec = jsonClientCodec,
    device = `d${random().toString(36).slice(2)}`,
    platform = 'document' in globalThis ? 'web' : 'node',
  } = options;
  if (!WebSocket) throw ownError('CONFIG_INVALID', { missing: 'WebSocket' });
  const backoff = { minMs: 500, maxMs: 30_000, ...options.reconnect };
  const events = createEmitter(reportToPlatform);
  const report = (error: unknown): void => {
    if (!events.emit('error', error)) reportToPlatform(error);
  };

  const connection = createConnection(
    { ...options, WebSocket, connectTimeoutMs, codec, device, platform, reconnect: backoff },
    { clock, random, signals },
    {
      prepare: () => groups.prepare(),
      positions: (all) => groups.positions(all),
      busy: () => calls.unanswered > 0,
      onState(state) {
        if (state.status === 'closed') {
          calls.onClosed();
          for (const stay of stays.values()) stay.onClosed();
        }
        events.emit('state', state);
      },
      onWelcome(welcome) {
        pendingCalls = welcome.limits.pendingCalls;
        groups.of(`u:${welcome.user}`).companion = user;
        groups.onWelcome(welcome);
        for (const stay of stays.values()) stay.onWelcome();
        calls.flush();
      },
      onMessage(message) {
        if (message.type === 'reply' || message.type === 'synced' || (message.type === 'error' && message.id)) {
          calls.onAnswer(message);
          if (calls.unanswered === 0) connection.settled();
        } else if (message.type === 'error') report(new CodedError(message));
        else groups.onMessage(message);
      },
      onLost() {
        // Until rooms are being entered again nothing else is sent.
        pendingCalls = 0;
        calls.onLost();
        groups.onLost();
      },
      onError: report,
    },
  );

  let pendingCalls = 0;
  const calls = createCalls(HELLO_ID + 1, {
    clock,
    timeoutMs: callTimeoutMs,
    capacity: () => (connection.open ? pendingCalls : 0),
    send: connection.send,
  });

  const groups = createGroups({
    clock,
    store: options.positions,
    sync: (command) => calls.request((id) => ({ type: 'sync', id, ...command }), { order: 'aside' }) as Promise<Synced>,
    onShed(message) {
      addShed(shed, message);
      events.emit('shed', message);
    },
    report,
  });
  const shed = {};
  const user = createEmitter(report);

  async function call(
    method: string,
    data: unknown,
    { since, key, ...options }: RequestOptions & { since?: () => Positions | undefined; key?: string | undefined } = {},
  ): Promise<unknown> {
    if (connection.state.status === 'closed') throw ownError('CLOSED');
    const answer = await calls.request(
      // Codecs leave out what has no value.
      (id, timeoutMs) => ({ type: 'call', id, method, data, timeoutMs, key, since: since?.() }) as Call<unknown>,
      { repeat: key !== undefined, ...options },
    );
    // PR-58: no data means null.
    return (answer as Reply<unknown>).data ?? null;
  }

  function group<Events>(id: string): Group<Events> {
    const entry = groups.of(id);
    entry.kept = true;
    return entry.group;
  }
  const stays = new Map<string, Stay<never, never>>();

  return {
    get state() {
      return connection.state;
    },
    shed,
    connect: connection.connect,
    close: connection.close,
    on: events.on,
    call: call as Client<S>['call'],
    enter(name: string, { data, timeoutMs } = {}) {
      let stay = stays.get(name);
      if (!stay) {
        const entry = groups.of(`r:${name}`);
        stay = createRoom(name, {
          clock,
          entry,
          enter: (signal, since, order) =>
            call(`${roomService}.enter`, { ...data, room: name }, { signal, since, repeat: true, order, timeoutMs }),
          async leave() {
            try {
              if (!connection.open) throw ownError('DISCONNECTED');
              await call(`${roomService}.leave`, { room: name }, { repeat: true });
            } catch {
              // Nobody was told, so no ticket shall bring it back.
              connection.forget();
            }
            groups.drop(entry);
          },
          connected: () => connection.open,
          retryMs: (n) => backoffMs(backoff, n, random),
          onEnd: () => stays.delete(name),
          drop: () => groups.drop(entry),
          report,
        });
        stays.set(name, stay);
      }
      return stay.entering;
    },
    group,
    user,
    everyone: group(EVERYONE),
  };
}
