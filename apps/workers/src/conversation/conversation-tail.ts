/** Owns: what one person sees of the end of a conversation: the latest message, and how many are unread. */
import type { Entry, LogReader } from '@im/timeline';
import { messageIn, type ShownEntry, shownEntry, takenBackIn } from './conversation-entry.js';
import { forgottenOf, isForgotten, type OwnState } from './own-state.js';
import type { Place } from './place.js';

/** Stands for more than 99. */
const MANY = 100;
const PAGE = 100;
const PAGE_BYTES = 65_536;
/** Entries looked at; where so many follow what was read, they count as many. */
const MAX_LOOKED_AT = 1_000;

export interface ConversationTail {
  readonly last: ShownEntry | undefined;
  /** When something happened last; undefined: nothing that is there for this person. */
  readonly at: number | undefined;
  readonly read: number;
  /** Messages of others behind that, at most {@link MANY}. */
  readonly unread: number;
  /** As the peer of a direct conversation calls itself, where it wrote any of the messages looked at. */
  readonly peerName: string | undefined;
  readonly epoch: string;
  readonly version: number;
}

/** @param user whose own messages are never unread @throws ImError as LogReader.read */
export async function readTail(
  log: LogReader,
  { place, own }: { readonly place: Place; readonly own: OwnState },
  user: string,
): Promise<ConversationTail> {
  const tail = new Tail(place, own, user);
  let before = Number.MAX_SAFE_INTEGER;
  for (let lookedAt = 0; ; ) {
    const page = await log.read(place.group, { before, limit: PAGE, maxBytes: PAGE_BYTES });
    const { epoch, version, first, entries } = page;
    const oldest = entries.at(-1)?.version ?? 0;
    const isEnough = !entries.every((entry) => tail.take(entry));
    lookedAt += entries.length;
    if (isEnough || oldest <= first || lookedAt >= MAX_LOOKED_AT) {
      const isCut = !isEnough && oldest > first && oldest > tail.read + 1;
      const { last, at, read, peerName } = tail;
      return { last, at, read, unread: isCut ? MANY : tail.unread, peerName, epoch, version };
    }
    before = oldest;
  }
}

/** Takes entries backwards: what takes a message back is seen before the message. */
class Tail {
  last: ShownEntry | undefined;
  at: number | undefined;
  peerName: string | undefined;
  unread = 0;
  readonly read: number;
  readonly #floor: number;
  readonly #gone = new Set<number>();

  constructor(
    private readonly place: Place,
    private readonly own: OwnState,
    private readonly user: string,
  ) {
    this.read = Math.max(own.read ?? 0, place.since);
    this.#floor = Math.max(place.since, forgottenOf(own).upTo);
  }

  /** Whether it may need the one before, too. */
  take(entry: Entry): boolean {
    const { version } = entry;
    if (version <= this.#floor) return false;
    this.at ??= entry.time;
    const takes = takenBackIn(entry);
    if (takes !== undefined) this.#gone.add(takes);
    const message = messageIn(entry);
    if (message !== undefined && !isForgotten(forgottenOf(this.own), version)) {
      const isGone = this.#gone.has(version);
      this.last ??= shownEntry(entry, isGone);
      if (message.from.user !== this.user) {
        this.peerName ??= nameOf(message.from);
        if (version > this.read && !isGone) this.unread += 1;
      }
    }
    const isNamed = this.place.kind === 'group' || this.peerName !== undefined;
    const isCounted = version <= this.read + 1 || this.unread >= MANY;
    return !(this.last && isNamed && isCounted);
  }
}

/** Backends may leave it out. */
function nameOf({ name }: { readonly name?: unknown }): string | undefined {
  return typeof name === 'string' ? name : undefined;
}
