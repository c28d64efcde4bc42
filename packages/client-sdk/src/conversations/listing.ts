/**
 * Asks the service for the list of conversations: again where something was missed, and for older ones when they are wanted. Must not know
 * what becomes of them.
 */
import type { Clock, Timer } from '@im/protocol/ports';
import { reportToPlatform } from '../report-to-platform.js';
import type { Summary, SummaryPage } from './service.js';

/** Conversations of one page. */
const PAGE = 50;
/** Pages that are read beyond those that would be enough if none were short. */
const MAX_SHORT_PAGES = 4;
/** What is asked because something came is asked once for all that comes so soon. */
export const REFRESH_MS = 500;
const RETRY_MS = 2_000;

export interface ListingPorts {
  readonly clock: Clock;
  /** @throws CodedError */
  call(method: string, data: object): Promise<unknown>;
  isConnected(): boolean;
  /** How many conversations are listed. */
  count(): number;
  onSummary(summary: Summary): void;
  onChange(): void;
}

export interface Listing {
  /** The first page has come. */
  readonly loaded: boolean;
  readonly hasMore: boolean;
  /** As much as is listed is asked for again; once, however often this is called until then. @param delayMs default {@link REFRESH_MS} */
  refresh(delayMs?: number): void;
  /** The next page. @throws CodedError */
  more(): Promise<void>;
  /** Nothing is asked until it is called again. */
  rest(): void;
}

export function createListing({ clock, call, isConnected, count, ...on }: ListingPorts): Listing {
  let loaded = false;
  let cursor: string | undefined;
  let timer: Timer | undefined;
  let isRefreshing = false;

  function refresh(delayMs = REFRESH_MS): void {
    if (!isConnected() || timer) return;
    timer = clock.after(delayMs, () => {
      timer = undefined;
      // What changes while an answer is on its way may not be in it.
      if (isRefreshing) refresh();
      else void refreshNow();
    });
  }

  async function refreshNow(): Promise<void> {
    isRefreshing = true;
    try {
      const wanted = Math.max(PAGE, count());
      let before: string | undefined;
      let seen = 0;
      // Pages may be short; who has many short ones loads more of them by hand.
      for (let calls = MAX_SHORT_PAGES + Math.ceil(wanted / PAGE); calls > 0 && seen < wanted; calls--) {
        const page = await fetch(before);
        seen += page.conversations.length;
        ({ before } = page);
        if (before === undefined) break;
      }
      cursor = before;
      loaded = true;
    } catch (error) {
      const { retryable, name } = error as { retryable?: boolean; name?: string };
      if (retryable) refresh(RETRY_MS);
      else if (name !== 'CLOSED') reportToPlatform(error);
    }
    isRefreshing = false;
    on.onChange();
  }

  async function fetch(before: string | undefined): Promise<SummaryPage> {
    const data = { limit: PAGE, ...(before !== undefined && { before }) };
    const page = (await call('conversation.list', data)) as SummaryPage;
    for (const summary of page.conversations) on.onSummary(summary);
    return page;
  }

  return {
    get loaded() {
      return loaded;
    },
    get hasMore() {
      return cursor !== undefined;
    },
    refresh,
    async more() {
      if (cursor === undefined) return;
      ({ before: cursor } = await fetch(cursor));
      on.onChange();
    },
    rest() {
      timer?.cancel();
      timer = undefined;
    },
  };
}
