/** All groups of the client: finds the one a message is for. */
import {
  type LeftGroup,
  MAX_POSITIONS,
  type Position,
  type Positions,
  type ServerMessage,
  type Welcome,
} from '@im/protocol';
import { createGroup, type GroupEntry, type GroupPorts } from './group.js';

export interface Groups {
  /** Made where it is not known yet, and kept until {@link Groups.drop}. */
  of(id: string): GroupEntry;
  /** Ends a group and forgets it, unless somebody listens beside. */
  drop(entry: GroupEntry): void;
  /** Loads what the store has, once. */
  prepare(): Promise<void>;
  /** All that are known, or those that went on since the gateway was last told. */
  positions(all: boolean): { readonly positions?: Positions };
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
    prepare: () => (loading ??= load()),
    positions(all) {
      const positions: Record<string, Position> = {};
      let count = 0;
      for (const [id, entry] of entries) {
        const position = count < MAX_POSITIONS && entry.tell(all);
        if (!position) continue;
        positions[id] = position;
        count++;
      }
      return count ? { positions } : {};
    },
    onWelcome(welcome) {
      for (const joined of welcome.groups) of(joined.group).onJoined(joined);
      for (const left of welcome.left) {
        const entry = entries.get(left.group);
        // PR-93: when nothing was resumed, rooms enter their groups again by calls.
        if (welcome.resumed || !entry?.companion) leave(left, entry);
      }
    },
    onMessage(message) {
      const entry = 'group' in message ? entries.get(message.group) : undefined;
      if (message.type === 'joined' || message.type === 'reset') of(message.group).onJoined(message);
      else if (message.type === 'push') entry?.onPush(message);
      else if (message.type === 'shed') entry?.onShed(message);
      else if (message.type === 'left') leave(message, entry);
    },
    onLost() {
      for (const entry of entries.values()) entry.onLost();
    },
  };
}
