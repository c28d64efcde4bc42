/** All groups of the client: finds the one a message is for. */
import {
  FIRST_APPLICATION_CODE,
  type LeftGroup,
  MAX_POSITIONS,
  type Position,
  type Positions,
  type ServerMessage,
  type Welcome,
} from '@im/protocol';
import { OWN_CODES } from '../errors.js';
import { createGroup, type GroupEntry, type GroupPorts } from './group.js';

export interface Groups {
  /** Made where it is not known yet, and kept until {@link Groups.drop}. */
  of(id: string): GroupEntry;
  /** Ends a group and forgets it, unless somebody listens beside. */
  drop(entry: GroupEntry): void;
  /** Loads what the store has, once. */
  prepare(): Promise<void>;
  /** All that are known, or those that went on since the gateway was last told; undefined when there are none. */
  positions(all: boolean): Positions | undefined;
  onWelcome(welcome: Welcome): void;
  onMessage(message: ServerMessage<unknown>): void;
  onLost(): void;
}

export function createGroups(ports: GroupPorts): Groups {
  const { store, report } = ports;
  const entries = new Map<string, GroupEntry>();
  let loading: Promise<void> | undefined;

  function of(id: string): GroupEntry {
    let entry = entries.get(id);
    if (!entry) {
      entry = createGroup(id, ports);
      entries.set(id, entry);
    }
    return entry;
  }

  async function load(): Promise<void> {
    try {
      for (const [id, position] of Object.entries((await store?.load()) ?? {})) of(id).restore(position);
    } catch (error) {
      report(error);
    }
  }

  function drop(entry: GroupEntry): void {
    if (entry.companion) return;
    entry.end();
    if (!entry.kept) entries.delete(entry.group.id);
  }

  function leave(left: Omit<LeftGroup, 'group'>, entry: GroupEntry | undefined): void {
    if (!entry) return;
    entry.onLeft(left);
    drop(entry);
  }

  return {
    of,
    drop,
    prepare() {
      loading ??= load();
      return loading;
    },
    positions(all) {
      const positions: Record<string, Position> = {};
      let count = 0;
      for (const [id, entry] of entries) {
        const position = count < MAX_POSITIONS && entry.tell(all);
        if (!position) continue;
        positions[id] = position;
        count++;
      }
      return count > 0 ? positions : undefined;
    },
    onWelcome(welcome) {
      for (const joined of welcome.groups) of(joined.group).onJoined(joined);
      for (const left of welcome.left) {
        if (isFinal(left.code)) leave(left, entries.get(left.group));
      }
      for (const entry of entries.values()) {
        if (entry.lost && !entry.companion) leave(LOST, entry);
      }
    },
    onMessage(message) {
      if (message.type === 'joined' || message.type === 'reset') return of(message.group).onJoined(message);
      const entry = 'group' in message ? entries.get(message.group) : undefined;
      if (message.type === 'push') entry?.onPush(message);
      else if (message.type === 'shed') entry?.onShed(message);
      else if (message.type === 'left') leave(message, entry);
    },
    onLost() {
      for (const entry of entries.values()) entry.onLost();
    },
  };
}

const LOST = { code: OWN_CODES.DISCONNECTED, reason: 'DISCONNECTED' };

/** Somebody's will: ours, a moderator's, the application's. What failed otherwise is entered again by its room. */
const isFinal = (code: number): boolean => code < 1 || (code >= 200 && code < 300) || code >= FIRST_APPLICATION_CODE;
