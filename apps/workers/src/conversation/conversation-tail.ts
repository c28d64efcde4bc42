/** Owns: what one person sees of the end of a conversation: the latest message, and how many are unread. */
import type { Entry, LogReader } from '@im/timeline';
import { MESSAGE_EVENT, type MessageData, messageIn, type ShownEntry, shownEntry } from './conversation-entry.js';
import { forgottenOf, isForgotten, type OwnState } from './own-state.js';
import type { Place } from './place.js';
import type { TakenBack } from './taken-back.js';

/** Stands for more than 99. */
const MANY = 100;
const PAGE = 100;
const PAGE_BYTES = 65_536;
/** Entries looked at: a hundred unread ones, and those between that count as none. Where more follow what was read, they count as many. */
const MAX_LOOKED_AT = 500;

export interface ConversationTail {
  readonly last: ShownEntry | undefined;
  /** When something happened last; undefined: nothing that is there for this person. */
  readonly at: number | undefined;
  /** As far as the person said, or wrote something. */
  readonly read: number;
  /** Messages of others behind that, at most {@link MANY}. */
  readonly unread: number;
  /** As the peer of a direct conversation calls itself, where it wrote any of the messages looked at. */
  readonly peerName: string | undefined;
  readonly epoch: string;
  readonly version: number;
}

/** What matters here of where somebody looks. */
type SeenPlace = Pick<Place, 'kind' | 'group' | 'since'>;

/** @param user who has read whatever stands before their own messages @throws ImError as LogReader.read and RecordReader.get */
export async function readTail(
  { log, takenBack }: { readonly log: LogReader; readonly takenBack: TakenBack },
  { place, own }: { readonly place: SeenPlace; readonly own: OwnState },
  user: string,
): Promise<ConversationTail> {
  const tail = new Tail(place, own, user);
  let before = Number.MAX_SAFE_INTEGER;
  for (let lookedAt = 0; ; ) {
    const page = await log.read(place.group, { before, limit: PAGE, maxBytes: PAGE_BYTES });
    const { epoch, version, first, entries } = page;
    const oldest = entries.at(-1)?.version ?? 0;
    const messages = entries.filter(({ event }) => event === MESSAGE_EVENT).map((entry) => entry.version);
    const gone = await takenBack.among(place.group, messages);
    const isEnough = !entries.every((entry) => tail.take(entry, gone.has(entry.version)));
    tail.isNamed = true;
    lookedAt += entries.length;
    if (isEnough || oldest <= first || lookedAt >= MAX_LOOKED_AT) {
      const isCut = !isEnough && oldest > first && oldest > tail.read + 1;
      const { last, at, read, peerName } = tail;
      return { last, at, read, unread: isCut ? MANY : tail.unread, peerName, epoch, version };
    }
    before = oldest;
  }
}

/** Takes entries backwards. */
class Tail {
  last: ShownEntry | undefined;
  at: number | undefined;
  peerName: string | undefined;
  unread = 0;
  read: number;
  /** Whether there is nothing more to be found out about how the peer is called. */
  isNamed: boolean;
  readonly #floor: number;

  constructor(
    place: SeenPlace,
    private readonly own: OwnState,
    private readonly user: string,
  ) {
    this.read = Math.max(own.read ?? 0, place.since);
    this.isNamed = place.kind === 'group';
    this.#floor = Math.max(place.since, forgottenOf(own).upTo);
  }

  /** Whether it may need the one before, too. */
  take(entry: Entry, isGone: boolean): boolean {
    const { version } = entry;
    if (version <= this.#floor) return false;
    this.at ??= entry.time;
    const message = messageIn(entry);
    // Deleted or not: who writes has read what was there.
    if (message?.from.user === this.user) this.read = Math.max(this.read, version);
    if (message !== undefined && !isForgotten(forgottenOf(this.own), version)) this.#show(entry, message, isGone);
    const isCounted = version <= this.read + 1 || this.unread >= MANY;
    return !(this.last && this.isNamed && isCounted);
  }

  #show(entry: Entry, { from }: MessageData, isGone: boolean): void {
    this.last ??= shownEntry(entry, isGone);
    if (from.user === this.user) return;
    this.peerName ??= nameOf(from);
    if (this.peerName !== undefined) this.isNamed = true;
    if (entry.version > this.read && !isGone) this.unread += 1;
  }
}

/** Backends may leave it out. */
function nameOf({ name }: { readonly name?: unknown }): string | undefined {
  return typeof name === 'string' ? name : undefined;
}
