/**
 * What this page sends into one conversation: one at a time, in the order in which it was written, until it is acknowledged or refused.
 * Pure state; must not know how it is sent, nor what else the conversation shows.
 */
import type { Entry } from './service.js';

/** Messages that wait; one more is refused. */
const MAX_WAITING = 100;

/** A message of this page that the conversation does not show yet. */
export interface Outgoing {
  /** Makes the call repeatable, and names the message until it has an id. */
  readonly key: string;
  readonly text: string;
  readonly receipt: boolean;
  /** When it was written, milliseconds since 1970. */
  readonly at: number;
  readonly state: 'sending' | 'failed';
  /** Why it failed. */
  readonly error?: unknown;
}

export interface Outbox {
  /** In the order in which they were written. Another array after each change, and only then. */
  readonly items: readonly Outgoing[];
  /** Acknowledged, and not shown yet as far as {@link settle} was told. */
  readonly stored: readonly Entry[];
  /** The one under way, and the version above which its stored copy is. */
  readonly current: { readonly item: Outgoing; readonly above: number } | undefined;
  /** False when too many wait. */
  add(item: Omit<Outgoing, 'state'>): boolean;
  /** The next one to send, when none is under way: it is from now on. @param last the last version that is shown */
  begin(last: number): Outgoing | undefined;
  /** The one under way is stored. */
  acknowledge(entry: Entry): void;
  /** The one under way was refused; the others go on. */
  refuse(error: unknown): void;
  /** A failed one waits again, behind the others. */
  retry(key: string, renewed: Pick<Outgoing, 'key' | 'at'>): void;
  /** A failed one is given up. */
  discard(key: string): void;
  /** The conversation shows everything up to this version. */
  settle(last: number): void;
}

export function createOutbox(): Outbox {
  let items: readonly Outgoing[] = [];
  let stored: readonly Entry[] = [];
  let current: Outbox['current'];

  return {
    get items() {
      return items;
    },
    get stored() {
      return stored;
    },
    get current() {
      return current;
    },
    add(item) {
      if (items.length >= MAX_WAITING) return false;
      items = [...items, { ...item, state: 'sending' }];
      return true;
    },
    begin(last) {
      if (current) return undefined;
      const item = items.find(({ state }) => state === 'sending');
      current = item && { item, above: Math.max(last, ...stored.map(({ version }) => version)) };
      return item;
    },
    acknowledge(entry) {
      items = items.filter((item) => item !== current?.item);
      stored = [...stored, entry].slice(-MAX_WAITING);
      current = undefined;
    },
    refuse(error) {
      items = items.map((item) => (item === current?.item ? { ...item, state: 'failed', error } : item));
      current = undefined;
    },
    retry(key, renewed) {
      const item = items.find((known) => known.key === key && known.state === 'failed');
      if (!item) return;
      const { text, receipt } = item;
      items = [...items.filter((known) => known !== item), { text, receipt, ...renewed, state: 'sending' }];
    },
    discard(key) {
      items = items.filter((item) => item.key !== key || item.state !== 'failed');
    },
    settle(last) {
      if (stored.some(({ version }) => version <= last)) stored = stored.filter(({ version }) => version > last);
    },
  };
}
