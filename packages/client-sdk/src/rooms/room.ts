/**
 * One stay in one room: entered by a call, entered again after a reconnect that did not restore it, ended by leaving
 * or by the gateway's word. Must not know sockets.
 */
import type { CodedError, Positions } from '@im/protocol';
import type { Clock, Timer } from '@im/protocol/ports';
import { createEmitter } from '../emitter.js';
import { ownError } from '../errors.js';
import type { Group, GroupEntry } from '../groups/group.js';
import type { Meta, RoomEvents, Subscribe } from '../schema.js';

/**
 * Events that came before the app could listen are kept for it. Normal messages beyond so many are shed and told;
 * priority messages are as many as the gateway replays.
 */
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
  /** @param order `first`: the calls that wait may need the room */
  enter(signal: AbortSignal, since: () => Positions | undefined, order?: 'first'): Promise<unknown>;
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
  let held: [event: string, data: unknown, meta: Meta | undefined][] | undefined = [];
  let heldShed = 0;
  let releaseTimer: Timer | undefined;
  let retryTimer: Timer | undefined;
  let reentering = false;

  const companion: GroupEntry['companion'] = {
    emit(event, data, meta) {
      if (event === '$left') {
        // The end of an earlier stay: the call on its way decides.
        if (stage === 'entering') return;
        end();
      }
      if (!held) emitter.emit(event, data, meta);
      else if (held.length < MAX_HELD || !meta || meta.lane) held.push([event, data, meta]);
      else heldShed += 1 + (meta.conflated ?? 0);
    },
  };
  entry.companion = companion;

  function release(): void {
    // What comes meanwhile is behind it.
    for (const event of held ?? []) emitter.emit(...event);
    held = undefined;
    group.received -= heldShed;
    if (heldShed) entry.onShed({ group: group.id, count: heldShed, reason: 'pressure' });
  }

  function end(): void {
    stage = 'left';
    retryTimer?.cancel();
    if (entry.companion === companion) entry.companion = undefined;
    ports.onEnd();
  }

  async function ask(order?: 'first'): Promise<void> {
    const answer = await ports.enter(leaving.signal, () => group.position && { [group.id]: group.position }, order);
    if (!group.member && ports.connected()) throw ownError('NOT_A_MEMBER');
    room.data = answer as Entered;
  }

  async function enter(): Promise<Room<Events, Entered>> {
    try {
      await ask();
    } catch (error) {
      end();
      ports.drop();
      throw error;
    }
    stage = 'inside';
    // The app goes on, and listens, in this turn.
    releaseTimer = clock.after(0, release);
    return room;
  }

  async function reenter(failures: number): Promise<void> {
    reentering = !group.member;
    if (!reentering) return;
    try {
      // Once: calls shall not wait for a room that does not answer, try after try.
      await ask(failures ? undefined : 'first');
      reentering = false;
      emitter.emit('$entered', room.data);
    } catch (thrown) {
      const { code, message, retryable } = thrown as CodedError;
      if (stage === 'left') return;
      if (!ports.connected()) reentering = false;
      else if (retryable) retryTimer = clock.after(ports.retryMs(failures), () => void reenter(failures + 1));
      else {
        entry.emit('$left', { code, reason: message });
        ports.drop();
      }
    }
  }

  /** What the group knows, and its own beside. */
  const room = Object.assign(Object.create(group) as Omit<Group<Events>, 'on'>, {
    name,
    data: undefined as Entered,
    on: emitter.on,
    async leave() {
      if (stage === 'left') return;
      leaving.abort();
      releaseTimer?.cancel();
      emitter.emit('$left', { code: 0, reason: '' });
      end();
      await ports.leave();
    },
  });

  return {
    entering: enter(),
    onWelcome() {
      if (stage === 'inside' && !reentering) void reenter(0);
    },
    onClosed() {
      retryTimer?.cancel();
      reentering = false;
    },
  };
}
