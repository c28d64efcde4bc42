/**
 * Keeps one connection: asks for address and token, opens a socket, says hello, watches the heartbeat, comes back
 * after a loss, moves when the gateway drains. Owns the ticket. Must not know calls, groups or rooms: what is not
 * about the connection itself is handed on.
 */
import {
  type ClientCodec,
  type ClientMessage,
  CodedError,
  type ErrorMessage,
  jsonClientCodec,
  type Positions,
  type ServerMessage,
  shouldReconnect,
  type Welcome,
} from '@im/protocol';
import type { Timer } from '@im/protocol/ports';
import { codeOf, ownError } from '../errors.js';
import type { ClientOptions, Ports } from '../options.js';
import { CLIENT_NAME } from '../version.js';
import { type Backoff, backoffMs } from './backoff.js';
import { createCredentials } from './credentials.js';
import { type Link, openLink } from './link.js';
import type { Signal } from './signals.js';
import { type Cause, type ClientState, next, PUBLIC, type State } from './states.js';

/** Of the close codes of @im/protocol; the whole table would be a tenth of the bundle. */
const CLOSE_GOING_AWAY = 4_000;
const CLOSE_TOKEN_EXPIRED = 4_007;
/** The hello of a connection is its first command. */
const HELLO_ID = 1;
/** Ids of other commands begin here. */
export const FIRST_ID = HELLO_ID + 1;
/** How long a drained connection waits for the answers of calls before it moves. */
const MOVE_PATIENCE_MS = 2_000;
const MIN_PATIENCE_MS = 1_000;

export interface ConnectionHandlers {
  /** Before each hello. */
  prepare(): Promise<void>;
  /** All that are known, or those the gateway was not told yet. */
  positions(all: boolean): Positions | undefined;
  onState(state: ClientState): void;
  onWelcome(welcome: Welcome): void;
  onMessage(message: ServerMessage<unknown>): void;
  /** Whatever was unanswered stays so. */
  onLost(): void;
  /** Answers are awaited: a move had better wait. */
  busy(): boolean;
  onError(error: unknown): void;
}

export interface Connection {
  readonly state: ClientState;
  /** Whether commands can be sent now. */
  readonly open: boolean;
  connect(): void;
  close(): void;
  /** @throws ImError FRAME_TOO_LARGE, INVALID_ARGUMENT */
  send(message: ClientMessage<unknown>): void;
  /** What is awaited has come: nothing holds a move up any longer. */
  settled(): void;
  /** The next connection resumes nothing. */
  forget(): void;
}

/** Options with their defaults. */
export type ConnectionOptions = Required<
  Pick<ClientOptions, 'url' | 'token' | 'device' | 'platform' | 'WebSocket' | 'connectTimeoutMs'>
> & { readonly reconnect: Backoff };

export function createConnection(
  options: ConnectionOptions,
  { clock, random, signals }: Ports,
  handlers: ConnectionHandlers,
): Connection {
  const codec: ClientCodec<string> = jsonClientCodec;
  const credentials = createCredentials(options, clock);
  let state: State = 'idle';
  let shown: ClientState = { status: 'idle', code: 0, reason: '' };
  /** Of the state; every change of state cancels it. */
  let timer: Timer | undefined;
  /** Our time to move in a drain. */
  let slot: Timer | undefined;
  let unwatch: (() => void) | undefined;

  let attempt: AbortController | undefined;
  let failures = 0;
  let renewals = 0;
  let nextAddress: string | undefined;
  let target = '';
  let token = '';
  let ticket: string | undefined;

  let link: Link | undefined;
  let refusal: ErrorMessage | undefined;
  let welcome: Welcome | undefined;
  let welcomedAt = 0;
  let heartbeatMs = 0;
  let sentAt = 0;
  let heardAt = 0;

  const positionsOf = (all: boolean): { positions?: Positions } => {
    const positions = handlers.positions(all);
    return positions ? { positions } : {};
  };
  const wait = (delayMs: number, run: () => void): void => {
    timer = clock.after(delayMs, run);
  };
  const waitForAnswer = (): void => wait(options.connectTimeoutMs, timedOut);
  const timedOut = (): void => go('lost', codeOf('TIMEOUT'), `TIMEOUT ${state}`);

  /** What each state begins with. None of these changes the state before it returns. */
  const enter: Partial<Record<State, () => void>> = {
    resolving() {
      disconnect();
      waitForAnswer();
      resolve();
    },
    opening() {
      waitForAnswer();
      try {
        link = openLink(options.WebSocket, target, codec.subprotocol, {
          onOpen: () => go('opened'),
          onFrame,
          onClose,
        });
      } catch (error) {
        timer?.cancel();
        wait(0, () => go('lost', codeOf('DISCONNECTED'), String(error)));
      }
    },
    greeting() {
      waitForAnswer();
      send({
        type: 'hello',
        id: HELLO_ID,
        token,
        device: options.device,
        platform: options.platform,
        client: CLIENT_NAME,
        ...(ticket && { ticket }),
        ...positionsOf(true),
      });
    },
    refused: waitForAnswer,
    open: beat,
    probing() {
      wait(Math.max(MIN_PATIENCE_MS, heartbeatMs / 4), timedOut);
      send({ type: 'ping', ...positionsOf(false) });
    },
    leaving() {
      wait(MOVE_PATIENCE_MS, moved);
    },
    delaying: disconnect,
    closed() {
      disconnect();
      credentials.abort();
      unwatch?.();
    },
  };

  function go(cause: Cause, code = 0, reason = ''): void {
    const to = next(state, cause);
    if (!to) {
      handlers.onError(ownError('INTERNAL', { state, cause }));
      return;
    }
    if (welcome && clock.monotonic() - welcomedAt >= heartbeatMs) failures = 0;
    if (cause === 'lost' && signals.online()) failures++;
    timer?.cancel();
    state = to;
    enter[to]?.();
    const status = PUBLIC[to];
    if (status === shown.status && to !== 'resolving' && to !== 'delaying') return;
    if (status === 'connecting') shown = { status, attempt: failures + 1, code, reason };
    else if (status === 'waiting') {
      const online = signals.online();
      const delayMs = online
        ? backoffMs(options.reconnect, Math.max(0, failures - 1), random)
        : options.reconnect.maxMs;
      wait(delayMs, retry);
      shown = { status, attempt: failures, retryAtMs: clock.now() + delayMs, code, reason };
    } else if (status === 'connected') {
      const { session, user, resumed } = welcome as Welcome;
      shown = { status, session, user, resumed, code, reason };
    } else shown = { status, code, reason };
    handlers.onState(shown);
  }

  function resolve(): void {
    attempt = new AbortController();
    const { signal } = attempt;
    const address = nextAddress ?? credentials.address(failures + 1, signal);
    nextAddress = undefined;
    Promise.all([address, credentials.token(), handlers.prepare()]).then(
      (resolved) => {
        if (signal.aborted) return;
        [target, token] = resolved;
        go('resolved');
      },
      (error: unknown) => {
        if (signal.aborted) return;
        if (error instanceof CodedError && !error.retryable) go('forbidden', error.code, error.message);
        else go('lost', codeOf('DISCONNECTED'), String(error));
      },
    );
  }

  /** After this nothing of the last attempt is heard of again. */
  function disconnect(): void {
    attempt?.abort();
    slot?.cancel();
    link?.close();
    link = refusal = undefined;
    if (!welcome) return;
    welcome = undefined;
    handlers.onLost();
  }

  function onClose(code: number, reason: string): void {
    const decided = code >= 4_000 && code <= 4_999;
    if (decided ? code === CLOSE_TOKEN_EXPIRED : refusal?.code === codeOf('TOKEN_EXPIRED')) {
      if (!credentials.renew('expired')) go('forbidden', code, reason);
      // A new token that is expired as well: the clocks differ, and haste does not help.
      else if (renewals++) go('lost', code, reason);
      else go('expired', code, reason);
    } else if (!decided && refusal) {
      if (refusal.retryable) go('lost', refusal.code, refusal.message);
      else go('forbidden', refusal.code, refusal.message);
    } else if (shouldReconnect(code)) go('lost', code, reason);
    else go('forbidden', code, reason);
  }

  function onFrame(frame: unknown): void {
    heardAt = clock.monotonic();
    if (state === 'probing') go('heard');
    const from = link;
    let messages: ServerMessage<unknown>[];
    try {
      messages = codec.decode(frame as string);
    } catch (error) {
      handlers.onError(error);
      go('lost', codeOf('MALFORMED'), 'MALFORMED');
      return;
    }
    for (const message of messages) {
      // A listener may have closed the connection.
      if (link === from) take(message);
    }
  }

  function take(message: ServerMessage<unknown>): void {
    switch (message.type) {
      case 'ping':
        send({ type: 'pong' });
        return;
      case 'pong':
        return;
      case 'ticket':
        ticket = message.ticket;
        return;
      case 'drain':
        ticket = message.ticket ?? ticket;
        nextAddress = message.address;
        slot?.cancel();
        slot = clock.after(message.afterMs, move);
        return;
      default:
        if (welcome) handlers.onMessage(message);
        else if (state === 'greeting') greeted(message);
    }
  }

  function greeted(message: ServerMessage<unknown>): void {
    if (message.type === 'welcome') {
      welcome = message;
      ticket = message.ticket;
      heartbeatMs = Math.max(MIN_PATIENCE_MS, message.heartbeatMs);
      welcomedAt = clock.monotonic();
      renewals = 0;
      go('welcomed');
      if (welcome) handlers.onWelcome(message);
    } else if (message.type === 'error') {
      refusal = message;
      go('refused');
    }
  }

  function beat(): void {
    const left = Math.min(sentAt, heardAt) + heartbeatMs - clock.monotonic();
    if (left > 0) wait(left, beat);
    else go('silent');
  }

  function move(): void {
    go('move');
    if (!handlers.busy()) moved();
  }
  const moved = (): void => go('moved', CLOSE_GOING_AWAY, 'GOING_AWAY drain');
  // Why we waited stays the reason of the attempt.
  const retry = (): void => go('retry', shown.code, shown.reason);

  function onSignal(signal: Signal): void {
    // The path to the gateway may be another one now.
    if (state === 'open') go('silent');
    else if (state === 'delaying') {
      if (signal === 'offline') go('offline', shown.code, shown.reason);
      else retry();
    }
  }

  function send(message: ClientMessage<unknown>): void {
    let frame: string;
    try {
      frame = codec.encode(message);
    } catch (cause) {
      throw ownError('INVALID_ARGUMENT', undefined, cause);
    }
    const limit = welcome?.limits.frameBytes ?? Number.POSITIVE_INFINITY;
    if (frame.length * 3 > limit && new TextEncoder().encode(frame).length > limit) {
      throw ownError('FRAME_TOO_LARGE');
    }
    sentAt = clock.monotonic();
    link?.send(frame);
  }

  return {
    get state() {
      return shown;
    },
    get open() {
      return state === 'open' || state === 'probing';
    },
    connect() {
      if (state === 'delaying') retry();
      else if (next(state, 'connect')) {
        failures = renewals = 0;
        credentials.renew('connect');
        unwatch = signals.watch(onSignal);
        go('connect');
      }
    },
    close() {
      if (next(state, 'close')) go('close');
    },
    send,
    settled() {
      if (state === 'leaving') moved();
    },
    forget() {
      ticket = undefined;
    },
  };
}
