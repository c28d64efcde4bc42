/**
 * One stay in one room: entered by a call, entered again after a reconnect that did not restore it, ended by leaving
 * or by the gateway's word. Must not know sockets.
 */
import type { Positions } from '@im/protocol';
import type { Clock, Timer } from '@im/protocol/ports';
import { createEmitter } from '../emitter.js';
import { ownError, toCodedError } from '../errors.js';
import type { Group, GroupEntry } from '../groups/group.js';
import type { RoomEvents, Subscribe } from '../schema.js';

/** Events that came before the app could listen are kept for it, this many; one more hands them out at once. */
const MAX_HELD = 1_000;

export interface Room<Events, Entered> extends Omit<Group<Events>, 'on'> {
  /** `10000` of `r:10000`. */
  readonly name: string;
  /** What the room answered when it was last entered. */
  readonly data: Entered;
  readonly on: Subscribe<Events, RoomEvents<Entered>>;
  /** From now on nothing of the room is heard. Settles when the gateway has carried it out. */
  leave(): Promise<void>;
}

export interface EnterOptions {
  /** Beside `room`, in the data of the call. */
  readonly data?: object;
  readonly timeoutMs?: number;
}

export interface RoomPorts {
  readonly clock: Clock;
  readonly entry: GroupEntry;
  enter(signal: AbortSignal, since: () => Positions | undefined): Promise<unknown>;
  leave(): Promise<unknown>;
  connected(): boolean;
  /** After which time the n-th failed re-entry is tried again. */
  retryMs(n: number): number;
  /** The stay has ended. */
  onEnd(): void;
  /** Nothing of the group is wanted any longer. */
  drop(): void;
  report(error: unknown): void;
}

/** A room and what the rest of the client tells it. */
export interface Stay<Events, Entered> {
  readonly entering: Promise<Room<Events, Entered>>;
  onWelcome(): void;
  onClosed(): void;
}

export function createRoom<Events, Entered>(name: string, ports: RoomPorts): Stay<Events, Entered> {
  const { clock, entry } = ports;
  const { group } = entry;
  const emitter = createEmitter(ports.report);
  const leaving = new AbortController();
  let stage: 'entering' | 'inside' | 'left' = 'entering';
  /** Until the app had the chance to listen. */
  let held: [event: string, ...args: unknown[]][] | undefined = [];
  let releaseTimer: Timer | undefined;
  let retryTimer: Timer | undefined;
  let reentering = false;

  const companion = {
    emit(event: string, ...args: unknown[]): void {
      if (event === '$left') {
        // The end of an earlier stay: the call on its way decides.
        if (stage === 'entering') return;
        end();
      }
      if (!held) emitter.emit(event, ...args);
      else if (held.push([event, ...args]) > MAX_HELD) release();
    },
  };
  entry.companion = companion;

  function release(): void {
    const events = held ?? [];
    held = undefined;
    for (const event of events) emitter.emit(...event);
  }

  function end(): void {
    stage = 'left';
    releaseTimer?.cancel();
    retryTimer?.cancel();
    if (entry.companion === companion) entry.companion = undefined;
    ports.onEnd();
  }

  const ask = (): Promise<unknown> =>
    ports.enter(leaving.signal, () => group.position && { [group.id]: group.position });

  async function enter(): Promise<Room<Events, Entered>> {
    try {
      room.data = (await ask()) as Entered;
      if (!group.member) throw ownError('NOT_A_MEMBER');
    } catch (error) {
      end();
      ports.drop();
      throw error;
    }
    stage = 'inside';
    releaseTimer = clock.after(0, release);
    return room;
  }

  function reenter(failures: number): void {
    reentering = !group.member;
    if (!reentering) return;
    ask().then(
      (answer) => {
        reentering = false;
        if (stage === 'left') return;
        room.data = answer as Entered;
        emitter.emit('$entered', answer);
      },
      (thrown: unknown) => {
        const error = toCodedError(thrown);
        if (stage === 'left') return;
        if (!ports.connected()) reentering = false;
        else if (error.retryable) retryTimer = clock.after(ports.retryMs(failures), () => reenter(failures + 1));
        else {
          entry.emit('$left', { code: error.code, reason: error.message });
          ports.drop();
        }
      },
    );
  }

  /** What the group knows, and its own beside. */
  const room = Object.assign(Object.create(group) as Omit<Group<Events>, 'on'>, {
    name,
    data: undefined as Entered,
    on: emitter.on,
    async leave() {
      if (stage === 'left') return;
      leaving.abort();
      emitter.emit('$left', { code: 0, reason: '' });
      end();
      await ports.leave();
    },
  });

  return {
    entering: enter(),
    onWelcome() {
      if (stage === 'inside' && !reentering) reenter(0);
    },
    onClosed() {
      releaseTimer?.cancel();
      retryTimer?.cancel();
      reentering = false;
      release();
    },
  };
}
