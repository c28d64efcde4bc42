/**
 * Keeps one connection: asks for address and token, opens a socket, says hello, watches the heartbeat, comes back
 * after a loss, moves when the gateway drains. Owns the ticket. Must not know calls, groups or rooms: what is not
 * about the connection itself is handed on.
 */
import {
  type ClientMessage,
  CodedError,
  type ErrorMessage,
  type Positions,
  type ServerMessage,
  type Welcome,
} from '@im/protocol';
import type { Timer } from '@im/protocol/ports';
import { OWN_CODES } from '../errors.js';
import type { ClientOptions, Ports } from '../options.js';
import { type Backoff, backoffMs } from './backoff.js';
import { createCredentials } from './credentials.js';
import { encodeFrame } from './encode-frame.js';
import { createHello } from './hello.js';
import { type Link, openLink } from './link.js';
import type { Signal } from './signals.js';
import { type Cause, type ClientState, next, PUBLIC, type State, show } from './states.js';
import { judge } from './verdict.js';

/** As the close code of that name: the gateway moves its clients. */
const CLOSE_GOING_AWAY = 4_000;
/** How long a drained connection waits for the answers of calls before it moves. */
const MOVE_PATIENCE_MS = 2_000;
/** PR-114: the least time that an answer to a ping is given. */
const MIN_PATIENCE_MS = 1_000;

export interface ConnectionHandlers {
  /** Before each hello. */
  prepare(): Promise<void>;
  /** All that are known, or those the gateway was not told yet. */
  positions(all: boolean): { readonly positions?: Positions };
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
  /** @throws CodedError FRAME_TOO_LARGE, INVALID_ARGUMENT */
  send(message: ClientMessage<unknown>): void;
  /** What is awaited has come: nothing holds a move up any longer. */
  settled(): void;
  /** The next connection resumes nothing. */
  forget(): void;
}

/** Options with their defaults. */
export type ConnectionOptions = Required<
  Pick<ClientOptions, 'url' | 'token' | 'device' | 'platform' | 'codec' | 'WebSocket' | 'connectTimeoutMs'>
> & { readonly reconnect: Backoff };

export function createConnection(
  options: ConnectionOptions,
  { clock, random, signals }: Ports,
  handlers: ConnectionHandlers,
): Connection {
  const { codec, reconnect } = options;
  const credentials = createCredentials(options, clock);
  let state: State = 'idle';
  let shown: ClientState = { status: 'idle', code: 0, reason: '' };
  /** Of the state; every change of state cancels it. */
  let timer: Timer | undefined;
  /** Our time to move in a drain. */
  let slot: Timer | undefined;
  let confirming: Timer | undefined;
  let unwatch: (() => void) | undefined;

  let attempt: AbortController | undefined;
  let failures = 0;
  let retryAtMs = 0;
  let address: string | undefined;
  let nextAddress: string | undefined;
  let ticket: string | undefined;

  let link: Link | undefined;
  let refusal: ErrorMessage | undefined;
  let welcome: Welcome | undefined;
  let welcomedAt = 0;
  let heartbeatMs = 0;
  let sentAt = 0;
  let heardAt = 0;

  const wait = (delayMs: number, run: () => void): void => {
    timer = clock.after(delayMs, run);
  };
  const timedOut = (): void => go('lost', OWN_CODES.TIMEOUT, `TIMEOUT ${state}`);
  const waitForAnswer = (): void => wait(options.connectTimeoutMs, timedOut);

  /** What each state begins with. None of these goes on to another state by itself. */
  const begin: Partial<Record<State, () => void>> = {
    resolving() {
      disconnect();
      waitForAnswer();
      attempt = new AbortController();
      void resolve(attempt.signal);
    },
    opening: waitForAnswer,
    greeting: waitForAnswer,
    open: beat,
    probing() {
      wait(Math.max(MIN_PATIENCE_MS, heartbeatMs / 4), timedOut);
      send({ type: 'ping', ...handlers.positions(false) });
    },
    leaving: () => wait(MOVE_PATIENCE_MS, moved),
    delaying() {
      disconnect();
      const delayMs = signals.online() ? backoffMs(reconnect, Math.max(0, failures - 1), random) : reconnect.maxMs;
      retryAtMs = clock.now() + delayMs;
      wait(delayMs, retry);
    },
    closed() {
      disconnect();
      credentials.abort();
      unwatch?.();
      // Whoever connects again signs in again (PR-143).
      ticket = undefined;
    },
  };

  /** Where the cause means nothing, nothing happens. */
  function go(cause: Cause, code = 0, reason = ''): void {
    const to = next(state, cause);
    if (!to) return;
    // PR-122: it has held, so what failed before does not count any longer.
    if (welcome && clock.monotonic() - welcomedAt >= heartbeatMs) failures = 0;
    if (cause === 'lost' && signals.online()) failures++;
    timer?.cancel();
    state = to;
    begin[to]?.();
    if (PUBLIC[to] !== shown.status || to === 'resolving' || to === 'delaying') {
      shown = show(to, { code, reason }, { welcome, failures, retryAtMs });
      handlers.onState(shown);
    }
  }

  async function resolve(signal: AbortSignal): Promise<void> {
    const given = nextAddress;
    nextAddress = undefined;
    try {
      const [to, token] = await Promise.all([
        given ?? credentials.address(failures + 1, signal),
        credentials.token(),
        handlers.prepare(),
      ]);
      if (signal.aborted) return;
      address = to;
      go('resolved');
      link = openLink(options.WebSocket, address, codec.subprotocol, {
        onOpen() {
          go('opened');
          send(createHello(options, token, { ticket, ...handlers.positions(true) }));
        },
        onFrame,
        onClose,
      });
    } catch (error) {
      if (signal.aborted) return;
      const known = error instanceof CodedError;
      go(known && !error.retryable ? 'forbidden' : 'lost', known ? error.code : OWN_CODES.DISCONNECTED, String(error));
    }
  }

  /** After this nothing of the last attempt is heard of again. */
  function disconnect(): void {
    attempt?.abort();
    slot?.cancel();
    confirming?.cancel();
    link?.close();
    link = refusal = confirming = undefined;
    if (!welcome) return;
    welcome = undefined;
    handlers.onLost();
  }

  function onClose(closeCode: number, closeReason: string): void {
    let { cause, code, reason } = judge(closeCode, closeReason, refusal);
    if (cause === 'expired') {
      if (!credentials.renew(cause)) cause = 'forbidden';
      // This attempt had a new token for the same reason: the clocks differ, and haste does not help.
      else if (code === shown.code) cause = 'lost';
    }
    go(cause, code, reason);
  }

  function onFrame(frame: unknown): void {
    heardAt = clock.monotonic();
    go('heard');
    const from = link;
    let messages: ServerMessage<unknown>[];
    try {
      messages = codec.decode(frame as never);
    } catch (error) {
      handlers.onError(error);
      go('lost', OWN_CODES.MALFORMED, 'MALFORMED');
      return;
    }
    for (const message of messages) {
      // A listener may have closed the connection.
      if (link === from) take(message);
    }
  }

  function take(message: ServerMessage<unknown>): void {
    if (message.type === 'ping') send({ type: 'pong' });
    else if (message.type === 'ticket') ticket = message.ticket;
    else if (message.type === 'drain') {
      ticket = message.ticket ?? ticket;
      // PR-135: whatever is not known to have TLS, however it is written, is not followed from what may have it.
      nextAddress =
        /^(ws|http):/i.test(address as string) || /^(ws|http)s:/i.test(message.address as string)
          ? message.address
          : undefined;
      slot?.cancel();
      slot = clock.after(message.afterMs, move);
    } else if (welcome) handlers.onMessage(message);
    else if (message.type === 'error') refusal = message;
    else if (message.type === 'welcome') {
      welcome = message;
      ticket = message.ticket;
      heartbeatMs = Math.max(MIN_PATIENCE_MS, message.heartbeatMs);
      welcomedAt = clock.monotonic();
      go('welcomed');
      // A listener may have closed the connection.
      if (welcome) handlers.onWelcome(message);
    }
    // PR-140: one ping for all that comes meanwhile.
    if ('confirm' in message)
      confirming ??= clock.after(500, () => {
        confirming = undefined;
        send({ type: 'ping', ...handlers.positions(false) });
      });
  }

  function beat(): void {
    const leftMs = Math.min(sentAt, heardAt) + heartbeatMs - clock.monotonic();
    if (leftMs > 0) wait(leftMs, beat);
    else go('silent');
  }

  function move(): void {
    go('move');
    if (!handlers.busy()) moved();
  }
  const moved = (): void => go('moved', CLOSE_GOING_AWAY, 'GOING_AWAY drain');
  // Why we waited stays the reason of the attempt.
  const goOn = (cause: Cause): void => go(cause, shown.code, shown.reason);
  const retry = (): void => goOn('retry');

  function onSignal(signal: Signal): void {
    // The path to the gateway may be another one now.
    go('silent');
    goOn(signal === 'offline' ? signal : 'retry');
  }

  function send(message: ClientMessage<unknown>): void {
    const frame = encodeFrame(codec, message, welcome?.limits.frameBytes);
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
      retry();
      if (next(state, 'connect')) {
        failures = 0;
        credentials.renew('connect');
        unwatch = signals.watch(onSignal);
        go('connect');
      }
    },
    close: () => go('close'),
    send,
    settled: moved,
    forget() {
      ticket = undefined;
    },
  };
}
