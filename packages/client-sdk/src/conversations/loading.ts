/**
 * Loads pages of one conversation: those that its excerpt misses, one after the other, while somebody wants them. Must not know what is
 * shown, nor what else is asked of the service.
 */
import type { CodedError } from '@im/protocol';
import type { Clock, Timer } from '@im/protocol/ports';
import type { Excerpt, Page, Want } from './excerpt.js';
import type { Persistence } from './persistence.js';
import type { History } from './service.js';

/** Entries of one page. */
const PAGE = 50;

export interface LoadingPorts {
  readonly clock: Clock;
  readonly persistence: Persistence;
  /** @throws CodedError */
  call(method: string, data: object): Promise<unknown>;
  /** Which conversation: members of the call's data. */
  readonly target: object;
  readonly excerpt: Excerpt;
  /** Somebody listens, and there is a connection. */
  isWanted(): boolean;
  /** The excerpt has it. @param conversation its id */
  onPage(conversation: string, page: Page, want: Want): void;
  /** Nothing is pulled until there is another reason to. */
  onRefused(error: CodedError): void;
}

export interface Loading {
  /** One page, wanted or not. @throws CodedError */
  fetch(want: Want): Promise<void>;
  /** What the excerpt misses. @param delayMs it may come by itself until then. Default 0 */
  pull(delayMs?: number): void;
  /** Nothing is pulled until it is asked for again. */
  rest(): void;
}

export function createLoading({ clock, persistence, call, target, excerpt, isWanted, ...on }: LoadingPorts): Loading {
  let pulling = false;
  let failures = 0;
  let timer: Timer | undefined;

  async function fetch(want: Want): Promise<void> {
    const history = (await call('conversation.history', { ...target, ...want, limit: PAGE })) as History;
    const page = pageOf(history, want);
    excerpt.page(page, want);
    on.onPage(history.conversation, page, want);
  }

  function pull(delayMs = 0): void {
    if (pulling || timer || !excerpt.wanted || !isWanted()) return;
    timer = clock.after(delayMs, () => {
      timer = undefined;
      const { wanted } = excerpt;
      if (wanted && isWanted()) void pullNow(wanted);
    });
  }

  async function pullNow(want: Want): Promise<void> {
    const { last } = excerpt;
    pulling = true;
    try {
      await fetch(want);
      // A log that is asked behind what was pushed is not there yet.
      failures = excerpt.last > last || !excerpt.wanted ? 0 : failures + 1;
    } catch (error) {
      failures++;
      if (!(error as CodedError).retryable) return on.onRefused(error as CodedError);
    } finally {
      pulling = false;
    }
    pull(persistence.delayMs(failures));
  }

  return {
    fetch,
    pull,
    rest() {
      timer?.cancel();
      timer = undefined;
    },
  };
}

/** What an answer covers, in order. */
function pageOf({ entries, before = 1, after, epoch, version }: History, want: Want): Page {
  if (want.after !== undefined) return { epoch, version, first: want.after + 1, last: after ?? version, entries };
  const last = want.before === undefined ? version : want.before - 1;
  return { epoch, version, first: before, last, entries: [...entries].reverse() };
}
