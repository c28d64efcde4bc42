/**
 * The priority lane of one group as this client has it: each version once and in order, holes noticed and filled.
 * Pure state: what is to be done is told through handlers.
 */
import type { JoinedGroup, Missed, Position, Push, Synced } from '@im/protocol';

/** Messages beyond a hole that are kept until it is filled; those beyond are asked for again. */
const MAX_BUFFERED = 256;

export interface GroupLogHandlers {
  /** The next message of the lane. */
  onPush(push: Push<unknown>): void;
  /** Something after this position is missing. It is `asked` until `onSynced`, `giveUp` or a new beginning. */
  onHole(position: Position): void;
  /** These will never come. */
  onMissed(missed: Missed): void;
}

export interface GroupLog {
  /** Up to where everything was seen or is known to be lost; undefined before the first `begin`. */
  readonly position: Position | undefined;
  /** Where the hole is that is being filled. */
  readonly asked: Position | undefined;
  /** A position kept from earlier. */
  restore(position: Position | undefined): void;
  begin(joined: JoinedGroup): void;
  take(push: Push<unknown>): void;
  onSynced(synced: Synced): void;
  /** The log cannot give what is missing. */
  giveUp(): void;
}

export function createGroupLog({ onPush, onHole, onMissed }: GroupLogHandlers): GroupLog {
  let epoch: string | undefined;
  let version = 0;
  /** The highest version heard of. */
  let head = 0;
  let asked: Position | undefined;
  const beyond = new Map<number, Push<unknown>>();

  function set(position: Position | undefined): void {
    epoch = position?.epoch;
    version = head = position?.version ?? 0;
    asked = undefined;
    beyond.clear();
  }

  function apply(push: Push<unknown> | undefined): void {
    while (push) {
      version++;
      head = Math.max(head, version);
      beyond.delete(version);
      onPush(push);
      push = beyond.get(version + 1);
    }
  }

  function ask(): void {
    if (!epoch || asked || version >= head) return;
    asked = { epoch, version };
    onHole(asked);
  }

  function giveUp(): void {
    asked = undefined;
    if (version >= head) return;
    const after = version;
    version = Math.min(head + 1, ...beyond.keys()) - 1;
    onMissed({ after, upto: version });
    apply(beyond.get(version + 1));
    ask();
  }

  return {
    get position() {
      return epoch ? { epoch, version } : undefined;
    },
    get asked() {
      return asked;
    },
    restore: set,
    begin(joined) {
      // What was seen since the position was handed in is not seen again.
      const seen = joined.recovered && joined.epoch === epoch ? version : 0;
      set({ epoch: joined.epoch, version: Math.max(seen, joined.version) });
    },
    take(push) {
      const at = push.version as number;
      if (!epoch || at <= version) return;
      if (at === version + 1) return apply(push);
      head = Math.max(head, at);
      if (beyond.size < MAX_BUFFERED) beyond.set(at, push);
      ask();
    },
    onSynced(synced) {
      if (!asked || synced.epoch !== epoch) return;
      const progressed = version > asked.version;
      asked = undefined;
      if (progressed) ask();
      else giveUp();
    },
    giveUp,
  };
}
