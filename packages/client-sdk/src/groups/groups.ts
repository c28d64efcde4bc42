/**
 * All groups of the client: finds the one a message is for, keeps memberships and positions. Must not know rooms
 * beyond that somebody listens beside, nor how commands travel.
 */
import {
  FIRST_APPLICATION_CODE,
  type JoinedGroup,
  type LeftGroup,
  MAX_POSITIONS,
  MAX_SYNC,
  type Position,
  type Positions,
  type ServerMessage,
  type Shed,
  type Sync,
  type Synced,
  type Welcome,
} from '@im/protocol';
import type { Clock, Timer } from '@im/protocol/ports';
import { codeOf, toCodedError } from '../errors.js';
import type { PositionStore } from '../options.js';
import { createGroupEntry, emit, type GroupEntry } from './group.js';

/** A sync that failed for now is tried again after this long. */
const SYNC_RETRY_MS = 1_000;

export interface GroupsPorts {
  readonly clock: Clock;
  readonly store: PositionStore | undefined;
  /** @throws ImError */
  sync(command: Omit<Sync, 'id' | 'type'>): Promise<Synced>;
  report(error: unknown): void;
}

export interface Groups {
  /** Made where it is not known yet. */
  of(id: string): GroupEntry;
  /** Loads what the store has, once. */
  prepare(): Promise<void>;
  /** All that are known, or those that went on since the gateway was last told; undefined when there are none. */
  positions(all: boolean): Positions | undefined;
  onWelcome(welcome: Welcome): void;
  onMessage(message: ServerMessage<unknown>): void;
  onLost(): void;
  /** No membership any longer: nothing of the group is heard, and its position is forgotten. */
  end(entry: GroupEntry): void;
}

export function createGroups({ clock, store, sync, report }: GroupsPorts): Groups {
  const entries = new Map<string, GroupEntry>();
  const retries = new Set<Timer>();
  let loaded = !store;

  function of(id: string): GroupEntry {
    let entry = entries.get(id);
    if (!entry) {
      const made = createGroupEntry(id, report, {
        onPush(push) {
          emit(made, push.event, push.data, push);
          save(made);
        },
        onHole: (position) => fill(made, position),
        onMissed: (missed) => emit(made, '$recovered', { recovered: false, missed }),
      });
      entry = made;
      entries.set(id, entry);
    }
    return entry;
  }

  function save({ id, log }: GroupEntry): void {
    if (!store || id.startsWith('r:')) return;
    try {
      store.save(id, log.position);
    } catch (error) {
      report(error);
    }
  }

  function fill(entry: GroupEntry, asked: Position): void {
    const { id, log } = entry;
    const { epoch, version } = asked;
    sync({ group: id, epoch, after: version, limit: MAX_SYNC }).then(
      (synced) => {
        if (log.asked === asked) log.onSynced(synced);
      },
      (error: unknown) => {
        if (log.asked !== asked) return;
        if (!toCodedError(error).retryable) return log.giveUp();
        const timer = clock.after(SYNC_RETRY_MS, () => {
          retries.delete(timer);
          if (log.asked === asked) fill(entry, asked);
        });
        retries.add(timer);
      },
    );
  }

  function join(joined: JoinedGroup): void {
    const entry = of(joined.group);
    entry.member = true;
    entry.lost = false;
    entry.log.begin(joined);
    save(entry);
    if (joined.recovered !== undefined) emit(entry, '$recovered', joined);
  }

  function end(entry: GroupEntry): void {
    entry.member = entry.lost = false;
    entry.log.restore(undefined);
    save(entry);
    if (entry.emitter.idle && !entry.companion) entries.delete(entry.id);
  }

  function leave(left: Omit<LeftGroup, 'group'>, entry: GroupEntry): void {
    end(entry);
    emit(entry, '$left', left);
  }

  return {
    of,
    end,
    async prepare() {
      if (loaded || !store) return;
      loaded = true;
      try {
        for (const [id, position] of Object.entries(await store.load())) of(id).log.restore(position);
      } catch (error) {
        report(error);
      }
    },
    positions(all) {
      const positions: Record<string, Position> = {};
      let count = 0;
      for (const entry of entries.values()) {
        const { position } = entry.log;
        if (!position || count >= MAX_POSITIONS || !(all || position.version > entry.told)) continue;
        entry.told = position.version;
        positions[entry.id] = position;
        count++;
      }
      return count > 0 ? positions : undefined;
    },
    onWelcome(welcome) {
      for (const joined of welcome.groups) join(joined);
      for (const left of welcome.left) {
        const entry = entries.get(left.group);
        if (entry && isFinal(left.code)) leave(left, entry);
      }
      for (const entry of entries.values()) {
        if (entry.lost && !entry.companion) leave(ERROR_LOST, entry);
      }
    },
    onMessage(message) {
      if (message.type === 'joined' || message.type === 'reset') return join(message);
      const entry = 'group' in message && entries.get(message.group);
      if (!entry) return;
      if (message.type === 'left') leave(message, entry);
      else if (message.type === 'shed') shed(message, entry);
      else if (message.type === 'push' && entry.member) {
        if (message.lane) entry.log.take(message);
        else emit(entry, message.event, message.data, message);
      }
    },
    onLost() {
      for (const timer of retries) timer.cancel();
      retries.clear();
      for (const entry of entries.values()) {
        entry.lost ||= entry.member;
        entry.member = false;
        entry.log.restore(entry.log.position);
      }
    },
  };
}

/** Somebody's will: ours, a moderator's, the application's. What failed otherwise is entered again by its room. */
const isFinal = (code: number): boolean => code < 1 || (code >= 200 && code < 300) || code >= FIRST_APPLICATION_CODE;

const ERROR_LOST = { code: codeOf('DISCONNECTED'), reason: 'DISCONNECTED' };

function shed(message: Shed, entry: GroupEntry): void {
  const { count, unknown } = entry.shed;
  entry.shed = { count: count + (message.count ?? 0), unknown: unknown + (message.count ? 0 : 1) };
  emit(entry, '$shed', message);
}
