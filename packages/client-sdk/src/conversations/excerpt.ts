/**
 * The part of one conversation that this page has: entries without a hole and without repeats, whatever comes in whatever order. Pure
 * state: whoever keeps it asks what is to be loaded. Must not know who has read what, nor how pages are loaded.
 */
import { withoutText } from './entry.js';
import type { Entry } from './service.js';

/** Entries kept; those beyond it go at the far end, and are loaded again when they are wanted. */
const MAX_ENTRIES = 1_000;
/** Entries beyond a hole that are kept until it is filled, and take-backs that are remembered. */
const MAX_WAITING = 256;
/** More than so many that are missing are not pulled: the excerpt begins anew at the newest. */
const MAX_PULLED = 500;

/** Which page is wanted; without either: the newest. */
export interface Want {
  readonly before?: number;
  readonly after?: number;
}

/** Single ones, or everything up to a version. */
export interface Forgotten {
  readonly versions?: readonly number[];
  readonly upTo?: number;
}

/** All that a reader is to see of `first..last`, in order. */
export interface Page {
  readonly epoch: string;
  readonly first: number;
  readonly last: number;
  /** The head of the log. */
  readonly version: number;
  readonly entries: readonly Entry[];
}

export interface Excerpt {
  /** In order. Another array after each change, and only then. */
  readonly entries: readonly Entry[];
  readonly loaded: boolean;
  readonly hasOlder: boolean;
  /** The end is not here: older ones were loaded until these were too many. */
  readonly hasNewer: boolean;
  /** Everything up to here is here, or older than what is. */
  readonly last: number;
  /** What is to be loaded for this to be complete. */
  readonly wanted: Want | undefined;
  /** What to ask for to see more in one direction, where there is more. */
  toward(side: 'older' | 'newer'): Want | undefined;
  /** An answer to what was asked for. */
  page(page: Page, want: Want): void;
  /** One entry of the log as it comes. */
  take(entry: Entry): void;
  /** The log is known to reach so far. */
  reaches(version: number, epoch?: string): void;
  /** Also of a message that is still on its way. */
  takeBack(version: number): void;
  /** Deleted for this person, also where it is still on its way. */
  forget(what: Forgotten): void;
  /** Begins anew with the newest page. */
  restart(): void;
}

export function createExcerpt(): Excerpt {
  /** Undefined until the first page: then `first..last` is covered. */
  let epoch: string | undefined;
  let entries: readonly Entry[] = [];
  let first = 1;
  let last = 0;
  /** The highest version heard of. */
  let head = 0;
  /** What comes is added at the end. */
  let following = true;
  const beyond = new Map<number, Entry>();
  /** Pages that were asked for earlier may still bring these. */
  const takenBack = new Set<number>();
  const forgotten = new Set<number>();
  let forgottenUpTo = 0;

  function restart(): void {
    epoch = undefined;
    entries = [];
    first = 1;
    last = head = forgottenUpTo = 0;
    following = true;
    for (const each of [beyond, takenBack, forgotten]) each.clear();
  }

  const isGone = ({ version }: Entry): boolean => version <= forgottenUpTo || forgotten.has(version);

  const admit = (added: readonly Entry[]): Entry[] =>
    added.filter((entry) => !isGone(entry)).map((entry) => (takenBack.has(entry.version) ? withoutText(entry) : entry));

  function replace(version: number, by: (known: Entry) => Entry): void {
    if (entries.some((known) => known.version === version)) {
      entries = entries.map((known) => (known.version === version ? by(known) : known));
    }
  }

  /** Adds what follows the end and is here already. */
  function extend(): void {
    const added: Entry[] = [];
    for (let next = beyond.get(last + 1); next; next = beyond.get(last + 1)) {
      added.push(next);
      last++;
    }
    if (added.length > 0) entries = [...entries, ...admit(added)];
    for (const version of beyond.keys()) if (version <= last) beyond.delete(version);
    dropOldest();
  }

  function dropOldest(): void {
    if (entries.length <= MAX_ENTRIES) return;
    entries = entries.slice(-MAX_ENTRIES);
    first = (entries[0] as Entry).version;
  }

  function dropNewest(): void {
    if (entries.length <= MAX_ENTRIES) return;
    entries = entries.slice(0, MAX_ENTRIES);
    last = (entries.at(-1) as Entry).version;
    following = false;
    beyond.clear();
  }

  /** An answer said where the log ends: what was heard of beyond that holds only if it came. */
  function settleHead(said: number): void {
    head = Math.max(said, last, ...beyond.keys());
  }

  return {
    get entries() {
      return entries;
    },
    get loaded() {
      return epoch !== undefined;
    },
    get hasOlder() {
      return epoch !== undefined && first > 1;
    },
    get hasNewer() {
      return !following;
    },
    get last() {
      return last;
    },
    get wanted() {
      if (epoch === undefined) return {};
      if (!following || last >= head) return undefined;
      return head - last > MAX_PULLED ? {} : { after: last };
    },
    toward(side) {
      if (epoch === undefined) return undefined;
      if (side === 'older') return first > 1 ? { before: first } : undefined;
      return following ? undefined : { after: last };
    },
    page(page, { before, after }) {
      const isNewest = before === undefined && after === undefined;
      if (epoch !== undefined && epoch !== page.epoch) restart();
      if (isNewest) {
        epoch = page.epoch;
        ({ first, last } = page);
        entries = admit(page.entries);
        following = true;
        extend();
        settleHead(page.version);
      } else if (epoch === undefined) {
        // It began anew meanwhile.
      } else if (before !== undefined) {
        // The oldest may have gone meanwhile, or come by another answer.
        if (before !== first) return;
        entries = [...admit(page.entries), ...entries];
        ({ first } = page);
        dropNewest();
      } else if (after === last || (following && page.last > last)) {
        entries = [...entries, ...admit(page.entries.filter(({ version }) => version > last))];
        last = Math.max(last, page.last);
        following ||= last >= page.version;
        dropOldest();
        extend();
        settleHead(page.version);
      }
    },
    take(entry) {
      const { version } = entry;
      head = Math.max(head, version);
      if (epoch !== undefined && version <= last) {
        // The stored copy takes the place of what was known of it.
        replace(version, () => admit([entry])[0] ?? entry);
      } else if (following && beyond.size < MAX_WAITING) {
        beyond.set(version, entry);
        if (epoch !== undefined) extend();
      }
    },
    reaches(version, of = epoch) {
      if (epoch !== undefined && of !== epoch) restart();
      head = Math.max(head, version);
    },
    takeBack(version) {
      remember(takenBack, version);
      replace(version, withoutText);
    },
    forget({ versions = [], upTo = 0 }) {
      forgottenUpTo = Math.max(forgottenUpTo, upTo);
      for (const version of versions) remember(forgotten, version);
      if (entries.some(isGone)) entries = entries.filter((entry) => !isGone(entry));
    },
    restart,
  };
}

/** The latest ones: earlier ones are no longer on their way. */
function remember(versions: Set<number>, version: number): void {
  versions.add(version);
  if (versions.size > MAX_WAITING) versions.delete(versions.values().next().value as number);
}
