/**
 * Commands that are answered: matched by id, bounded in number and time, kept waiting while there is no connection,
 * repeated after a loss where that is safe. Must not know what they say.
 */
import {
  type ClientMessage,
  CodedError,
  type ErrorMessage,
  type Positions,
  type Reply,
  type Synced,
} from '@im/protocol';
import type { Clock, Timer } from '@im/protocol/ports';
import { ownError, toCodedError } from './errors.js';

export interface CallOptions {
  /** Everything together: waiting for a connection, the call, its repetition. Default: the client's `callTimeoutMs`. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /**
   * Makes the call repeatable: 1 to 64 visible ASCII characters, new for each thing that is to happen once. A call
   * with a key is sent again after a reconnect, and the worker answers the same key of the same user once.
   */
  readonly key?: string;
  /** Of groups that the call joins: what was missed since is brought before its answer. Asked when the call is sent. */
  readonly since?: () => Positions | undefined;
}

/** Calls that wait or are unanswered at once; one more is refused with QUEUE_FULL. */
const MAX_CALLS = 1_000;

/** The command, once its id and the time left for it are known. */
type Make = (id: number, timeoutMs: number) => ClientMessage<unknown>;
type Answer = Reply<unknown> | Synced;

export interface RequestOptions extends Omit<CallOptions, 'key' | 'since' | 'timeoutMs'> {
  readonly timeoutMs?: number | undefined;
  /** Sent again after a reconnect. */
  readonly repeat?: boolean;
  /**
   * `first`: ahead of all that waits, which is sent once this is settled. `aside`: waits for none of those. Default: in
   * the order in which they were made.
   */
  readonly order?: 'first' | 'aside' | undefined;
}

export interface Calls {
  /**
   * @throws ImError what the gateway or a worker answered; TIMEOUT, CANCELLED, DISCONNECTED, QUEUE_FULL, CLOSED,
   * FRAME_TOO_LARGE, INVALID_ARGUMENT
   */
  request(make: Make, options: RequestOptions): Promise<Answer>;
  /** Commands sent and not answered. */
  readonly unanswered: number;
  onAnswer(message: Answer | ErrorMessage): void;
  /** Sends what waits, as far as the connection takes it. */
  flush(): void;
  /** The connection is gone. */
  onLost(): void;
  /** There will be no other. */
  onClosed(): void;
}

interface Entry {
  readonly make: Make;
  readonly repeat: boolean;
  readonly order: RequestOptions['order'];
  readonly deadline: number;
  readonly settle: (result: Answer | CodedError) => void;
  sent: boolean;
}

export interface CallsPorts {
  readonly clock: Clock;
  readonly timeoutMs: number;
  /** How many may be unanswered now; 0 without a connection. */
  capacity(): number;
  send(message: ClientMessage<unknown>): void;
}

export function createCalls(
  firstId: number,
  { clock, timeoutMs: defaultTimeoutMs, capacity, send }: CallsPorts,
): Calls {
  const entries = new Map<number, Entry>();
  let nextId = firstId;
  let unanswered = 0;
  /** Unsettled ones that go first. */
  let ahead = 0;

  function flush(): void {
    let free = capacity() - unanswered;
    for (const [id, entry] of entries) {
      if (free <= 0) return;
      if (entry.sent || (ahead && !entry.order)) continue;
      try {
        send(entry.make(id, Math.max(1, Math.ceil(entry.deadline - clock.monotonic()))));
        entry.sent = true;
        unanswered++;
        free--;
      } catch (error) {
        entry.settle(toCodedError(error));
      }
    }
  }

  return {
    request: (make, { timeoutMs = defaultTimeoutMs, signal, repeat = false, order }) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(ownError('CANCELLED'));
        if (entries.size >= MAX_CALLS) return reject(ownError('QUEUE_FULL'));
        const id = nextId++;
        const first = Number(order === 'first');
        const settle = (result: Answer | CodedError): void => {
          timer.cancel();
          signal?.removeEventListener('abort', cancel);
          entries.delete(id);
          ahead -= first;
          if (entry.sent) unanswered--;
          if (result instanceof CodedError) reject(result);
          else resolve(result);
        };
        const withdraw = (error: CodedError): void => {
          settle(error);
          if (entry.sent) send({ type: 'cancel', call: id });
          flush();
        };
        const cancel = (): void => withdraw(ownError('CANCELLED'));
        const timer: Timer = clock.after(timeoutMs, () => withdraw(ownError('TIMEOUT', { sent: entry.sent })));
        const entry: Entry = { make, repeat, order, deadline: clock.monotonic() + timeoutMs, settle, sent: false };
        entries.set(id, entry);
        ahead += first;
        signal?.addEventListener('abort', cancel);
        flush();
      }),
    get unanswered() {
      return unanswered;
    },
    onAnswer(message) {
      entries.get(message.id as number)?.settle(message.type === 'error' ? new CodedError(message) : message);
      flush();
    },
    flush,
    onLost() {
      for (const entry of entries.values()) {
        if (!entry.sent) continue;
        if (!entry.repeat) entry.settle(ownError('DISCONNECTED'));
        else {
          entry.sent = false;
          unanswered--;
        }
      }
    },
    onClosed() {
      for (const entry of entries.values()) entry.settle(ownError('CLOSED'));
    },
  };
}
