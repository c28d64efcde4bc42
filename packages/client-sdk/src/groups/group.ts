/** One group: what the gateway said of it, and how the app sees it. */
import type { Position } from '@im/protocol';
import { createEmitter, type Emitter } from '../emitter.js';
import type { GroupEvents, Meta, Subscribe } from '../schema.js';
import { createGroupLog, type GroupLog, type GroupLogHandlers } from './group-log.js';

/** Normal messages of a group that this client was not sent, since the client was made. */
export interface ShedTotal {
  /** Those that were counted. */
  readonly count: number;
  /** How often an unknown number was missed. */
  readonly unknown: number;
}

export interface Group<Events> {
  /** `u:ann`, `r:10000`. */
  readonly id: string;
  /** Whether the gateway has this connection in the group now. */
  readonly member: boolean;
  /** Up to where the priority lane was seen. */
  readonly position: Position | undefined;
  readonly shed: ShedTotal;
  readonly on: Subscribe<Events, GroupEvents>;
}

export interface GroupEntry {
  readonly id: string;
  readonly log: GroupLog;
  readonly emitter: Emitter;
  /** A room or the client's own user, who listen beside. */
  companion?: { emit(event: string, data: unknown, meta?: Meta): unknown } | undefined;
  member: boolean;
  /** A member until the connection was lost. */
  lost: boolean;
  shed: ShedTotal;
  /** The version that the gateway was last told. */
  told: number;
}

export function createGroupEntry(
  id: string,
  report: (error: unknown) => void,
  logHandlers: GroupLogHandlers,
): GroupEntry {
  return {
    id,
    log: createGroupLog(logHandlers),
    emitter: createEmitter(report),
    member: false,
    lost: false,
    shed: { count: 0, unknown: 0 },
    told: 0,
  };
}

export function emit(entry: GroupEntry, event: string, data: unknown, meta?: Meta): void {
  entry.emitter.emit(event, data, meta);
  entry.companion?.emit(event, data, meta);
}

/** The app's view of an entry, which may be another one later. */
export const groupView = <Events>(entry: () => GroupEntry, on: Emitter['on']): Group<Events> => ({
  get id() {
    return entry().id;
  },
  get member() {
    return entry().member;
  },
  get position() {
    return entry().log.position;
  },
  get shed() {
    return entry().shed;
  },
  on,
});
