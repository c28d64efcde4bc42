/**
 * One group: what the gateway said of it, and who listens to it. Owns membership, position and the account of what was
 * shed. Must not know rooms beyond that somebody listens beside, nor how commands travel.
 */
import {
  type CodedError,
  type JoinedGroup,
  type LeftGroup,
  MAX_SYNC,
  type Position,
  type Push,
  type Shed,
  type Sync,
  type Synced,
} from '@im/protocol';
import type { Clock, Timer } from '@im/protocol/ports';
import { createEmitter } from '../emitter.js';
import type { PositionStore } from '../options.js';
import type { GroupEvents, Meta, Subscribe } from '../schema.js';
import { createGroupLog } from './group-log.js';
import { addShed, type ShedTotal } from './shed-total.js';

/** A sync that failed for now is tried again after this long. */
const SYNC_RETRY_MS = 1_000;

export interface Group<Events> {
  /** `u:ann`, `r:10000`. */
  readonly id: string;
  /** Whether the gateway has this connection in the group now. */
  readonly member: boolean;
  /** Up to where the priority lane was seen. */
  readonly position: Position | undefined;
  /** What was left out, since the client was made. */
  readonly shed: ShedTotal;
  /** Normal messages that came, or that another stands for: with `shed` all that were published while this client was in. */
  readonly received: number;
  readonly on: Subscribe<Events, GroupEvents>;
}

export interface GroupPorts {
  readonly clock: Clock;
  readonly store: PositionStore | undefined;
  /** @throws CodedError */
  sync(command: Omit<Sync, 'id' | 'type'>): Promise<Synced>;
  onShed(shed: Omit<Shed, 'type'>): void;
  report(error: unknown): void;
}

/** A group and what the rest of the client tells it. */
export interface GroupEntry {
  readonly group: Group<never> & { received: number };
  /** The app has it at hand: it is never forgotten. */
  kept?: boolean;
  /** A room or the client's own user, who listen beside. */
  companion?: { emit(event: string, data: unknown, meta?: Meta): unknown } | undefined;
  emit(event: string, data: unknown, meta?: Meta): void;
  restore(position: Position): void;
  /** The position, where there is one and the gateway was not told it yet or shall be told `anyway`. */
  tell(anyway: boolean): Position | undefined;
  onJoined(joined: JoinedGroup): void;
  onLeft(left: Omit<LeftGroup, 'group'>): void;
  onPush(push: Push<unknown>): void;
  onShed(shed: Omit<Shed, 'type'>): void;
  onLost(): void;
  /** No membership any longer: nothing of the group is heard, and its position is forgotten. */
  end(): void;
}

export function createGroup(id: string, { clock, store, sync, onShed, report }: GroupPorts): GroupEntry {
  const emitter = createEmitter(report);
  let member = false;
  let told = 0;
  const shed = {};
  let retry: Timer | undefined;

  const log = createGroupLog({
    onPush(push) {
      deliver(push);
      save();
    },
    onHole: fill,
    onMissed(missed) {
      emit('$recovered', { recovered: false, missed });
      save();
    },
  });

  function emit(event: string, data: unknown, meta?: Meta): void {
    emitter.emit(event, data, meta);
    entry.companion?.emit(event, data, meta);
  }

  /** PR-58: no data means null. */
  const deliver = (push: Push<unknown>): void => emit(push.event, push.data ?? null, push);

  function save(): void {
    if (id.startsWith('r:')) return;
    try {
      store?.save(id, log.position);
    } catch (error) {
      report(error);
    }
  }

  function fill(asked: Position): void {
    const { epoch, version } = asked;
    sync({ group: id, epoch, after: version, limit: MAX_SYNC }).then(
      (synced) => {
        if (log.asked === asked) log.onSynced(synced);
      },
      ({ retryable }: CodedError) => {
        if (log.asked !== asked) return;
        if (retryable) retry = clock.after(SYNC_RETRY_MS, () => fill(asked));
        else log.giveUp();
      },
    );
  }

  const group: GroupEntry['group'] = {
    id,
    get member() {
      return member;
    },
    get position() {
      return log.position;
    },
    shed,
    received: 0,
    on: emitter.on,
  };
  const entry: GroupEntry = {
    group,
    emit,
    restore: log.restore,
    tell(anyway) {
      const { position } = log;
      if (!position || (position.version <= told && !anyway)) return;
      told = position.version;
      return position;
    },
    onJoined(joined) {
      const { recovered, missed } = joined;
      const stood = log.position;
      member = true;
      log.begin(joined);
      told = joined.version;
      save();
      if (recovered === undefined) return;
      // Where it stood is best known here: a hole may not have been filled yet.
      emit('$recovered', { recovered, missed: missed && { ...missed, after: stood?.version ?? missed.after } });
    },
    onLeft(left) {
      entry.end();
      emit('$left', left);
    },
    onPush(push) {
      if (!member) return;
      if (push.lane) return log.take(push);
      group.received += 1 + (push.conflated ?? 0);
      deliver(push);
    },
    onShed(message) {
      addShed(shed, message);
      onShed(message);
      emit('$shed', message);
    },
    onLost() {
      member = false;
      retry?.cancel();
      // What is beyond a hole is brought again.
      log.restore(log.position);
    },
    end() {
      member = false;
      log.restore(undefined);
      save();
    },
  };
  return entry;
}
