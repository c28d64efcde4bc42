/** Owns: pages of a conversation as one person sees them, both ways. */
import type { LogReader } from '@im/timeline';
import { MESSAGE_EVENT, type ShownEntry, shownEntry } from './conversation-entry.js';
import { forgottenOf, isForgotten, type OwnState } from './own-state.js';
import type { Place } from './place.js';
import type { TakenBack } from './taken-back.js';

/** Of the bodies of one page: what fits well into one reply. */
const PAGE_BYTES = 262_144;

export interface HistoryRange {
  readonly before?: number | undefined;
  readonly after?: number | undefined;
  readonly limit: number;
}

export interface HistoryPage {
  readonly entries: readonly ShownEntry[];
  /** Where older ones begin; absent: there are none. */
  readonly before?: number | undefined;
  /** Where newer ones begin; absent: there are none. */
  readonly after?: number | undefined;
  readonly epoch: string;
  readonly version: number;
}

/** @throws ImError as LogReader.read and RecordReader.get */
export async function readHistory(
  { log, takenBack }: { readonly log: LogReader; readonly takenBack: TakenBack },
  { place, own }: { readonly place: Place; readonly own: OwnState },
  { before = Number.MAX_SAFE_INTEGER, after, limit }: HistoryRange,
): Promise<HistoryPage> {
  const forgotten = forgottenOf(own);
  const floor = Math.max(place.since, forgotten.upTo);
  const end = after === undefined ? { before } : { after: Math.max(after, floor) };
  const page = await log.read(place.group, { ...end, limit, maxBytes: PAGE_BYTES });
  const theirs = page.entries.filter(({ version }) => version > floor);
  const shown = theirs.filter(({ version }) => !isForgotten(forgotten, version));
  const messages = shown.filter(({ event }) => event === MESSAGE_EVENT).map(({ version }) => version);
  const gone = await takenBack.among(place.group, messages);
  const last = theirs.at(-1)?.version;
  const { epoch, version } = page;
  return {
    entries: shown.map((entry) => shownEntry(entry, gone.has(entry.version))),
    ...(after === undefined
      ? { before: last !== undefined && last > Math.max(page.first, floor + 1) ? last : undefined }
      : { after: last !== undefined && last < version ? last : undefined }),
    epoch,
    version,
  };
}
