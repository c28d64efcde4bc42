/**
 * One conversation of a page: loads what is wanted, sends what was written, and says what to show. Owns the calls of one conversation;
 * must not know the others.
 */
import type { Clock } from '@im/protocol/ports';
import { createChanges } from './changes.js';
import { messageIn, takenBackIn } from './entry.js';
import { createExcerpt, type Forgotten } from './excerpt.js';
import { type Line, outgoingLines, storedLines } from './lines.js';
import { createLoading } from './loading.js';
import type { Persistence } from './persistence.js';
import { createReading } from './reading.js';
import type { Reach } from './receipts.js';
import { createSending } from './sending.js';
import type { Entry, ReceiptAnswer, Sent, Summary } from './service.js';

/** Two people who write at once may be told of each other in another order: a hole is given so long to close by itself. */
const HOLE_PATIENCE_MS = 300;
/** Messages whose receipts are asked for at once. */
const MAX_ASKED = 100;

export interface Conversation {
  /** `d:<hash>` or `g:<name>`; undefined for a person with whom nothing was loaded yet. */
  readonly id: string | undefined;
  /** As the list has it, where it does. */
  readonly summary: Summary | undefined;
  /** In order, without a hole; at the end what this page sends, until it is where it belongs. Another array after each change, and only then. */
  readonly lines: readonly Line[];
  /** `gone`: the service says that there is none for this person, or not any longer. */
  readonly state: 'loading' | 'open' | 'gone';
  readonly hasOlder: boolean;
  /** What is newest is not here: so many older ones were loaded that they did not fit. */
  readonly hasNewer: boolean;
  /** Of anything here. It is kept up to date while somebody listens. Returns the function that takes the subscription back. */
  on(event: 'change', listener: () => void): () => void;
  /** Loads more in one direction; settles when it is here, or there is no more. @throws ImError as `call` */
  load(side: 'older' | 'newer'): Promise<void>;
  /** Back to what is newest. */
  latest(): void;
  /**
   * Shown at once as `sending`, and sent again until it is stored or refused, behind what was written here before. What is not stored when the
   * page ends is lost.
   * @returns the key of its line
   * @throws ImError QUEUE_FULL: 100 wait
   */
  send(text: string, options?: { readonly receipt?: boolean }): string;
  /** A failed one is sent again. */
  retry(key: string): void;
  /** A failed one goes. */
  discard(key: string): void;
  /** This person has read so far, default: everything that is here. On all devices. */
  read(version?: number): void;
  /** For everybody. @throws ImError what the service answers */
  takeBack(version: number): Promise<void>;
  /** Deletes for this person alone. @throws ImError what the service answers */
  forget(what: Forgotten): Promise<void>;
  /** @throws ImError what the service answers */
  mute(muted: boolean): Promise<void>;
}

/** What names a conversation to the service before its id is known. */
export type Target = { readonly conversation: string } | { readonly with: string };

/** The conversation and what the list tells it. */
export interface ConversationEntry {
  readonly conversation: Conversation;
  /** Somebody listens, or something of it is on its way: it must not be forgotten. */
  readonly busy: boolean;
  take(entry: Entry): void;
  reaches(version: number, epoch: string): void;
  forget(what: Forgotten): void;
  /** There is a connection. */
  resume(): void;
  /** There is none: nothing is asked until there is. */
  rest(): void;
  /** What the ports say has changed. */
  changed(): void;
  /** This person is no longer in it. */
  leave(): void;
}

export interface ConversationPorts {
  readonly clock: Clock;
  readonly persistence: Persistence;
  /** @throws CodedError */
  call(
    method: string,
    data: object,
    options?: { readonly key?: string; readonly timeoutMs?: number },
  ): Promise<unknown>;
  newKey(): string;
  /** This user. */
  me(): string;
  isConnected(): boolean;
  summary(): Summary | undefined;
  /** How far a message of one's own came. */
  reach(id: string, version: number): Reach | undefined;
  onReceipts(id: string, receipts: readonly ({ readonly version: number } & Reach)[]): void;
  /** A message of this page was stored. */
  onStored(id: string, entry: Entry): void;
  onRead(id: string, version: number): void;
  onMuted(id: string, muted: boolean): void;
  report(error: unknown): void;
}

type Written = { readonly text: string; readonly receipt: boolean };

export function createConversation(target: Target, ports: ConversationPorts): ConversationEntry {
  const { clock, persistence, call } = ports;
  const excerpt = createExcerpt();
  const changes = createChanges(ports.report);
  let id = 'conversation' in target ? target.conversation : undefined;
  let isGone = false;
  let lines: readonly Line[] | undefined;

  function changed(): void {
    lines = undefined;
    changes.notify();
  }

  /** How far one's own messages came, those that asked and have not been read by all. */
  async function askReceipts(entries: readonly Entry[]): Promise<void> {
    const versions = entries.filter(isAwaited).map(({ version }) => version);
    if (id === undefined || versions.length === 0 || !ports.isConnected()) return;
    try {
      const answer = await call('receipt.of', { conversation: id, versions: versions.slice(-MAX_ASKED) });
      ports.onReceipts(id, (answer as ReceiptAnswer).receipts);
    } catch {
      // What changes from now on is told.
    }
  }

  function isAwaited(entry: Entry): boolean {
    const { from, receipt, takenBack } = messageIn(entry) ?? {};
    const { of = 1, read = 0 } = reach(entry.version) ?? {};
    return from?.user === ports.me() && receipt === true && !takenBack && read < of;
  }

  const reach = (version: number): Reach | undefined => (id === undefined ? undefined : ports.reach(id, version));

  const loading = createLoading({
    clock,
    persistence,
    call,
    target,
    excerpt,
    isWanted: () => changes.listeners > 0 && ports.isConnected(),
    onPage(conversation, { entries }, { before, after }) {
      id = conversation;
      outbox.settle(before === undefined && after === undefined ? Number.POSITIVE_INFINITY : excerpt.last);
      isGone = false;
      changed();
      void askReceipts(entries);
    },
    /** It is tried again with the next connection. */
    onRefused(error) {
      isGone = ['CONVERSATION_UNKNOWN', 'FORBIDDEN'].includes(error.name);
      if (isGone) excerpt.restart();
      else if (error.name !== 'CLOSED') ports.report(error);
      changed();
    },
  });
  const { pull } = loading;

  const sending = createSending({
    persistence,
    call,
    to: 'with' in target ? { to: target.with } : target,
    newKey: ports.newKey,
    now: () => clock.now(),
    last: () => excerpt.last,
    onStored,
    onChange: changed,
  });
  const { outbox } = sending;

  function onStored({ id: messageId, conversation, version, at }: Sent, { text, receipt }: Written): void {
    id = conversation;
    const from = { user: ports.me(), name: ports.me() };
    const entry: Entry = {
      version,
      event: 'message',
      data: { id: messageId, from, text, at, ...(receipt && { receipt }) },
    };
    outbox.acknowledge(entry);
    excerpt.take(entry);
    outbox.settle(excerpt.last);
    ports.onStored(conversation, entry);
    changed();
    pull(HOLE_PATIENCE_MS);
  }

  const reading = createReading({
    persistence,
    tell: (version) => call('conversation.read', { conversation: id, version }),
  });

  const conversation: Conversation = {
    get id() {
      return id;
    },
    get summary() {
      return ports.summary();
    },
    get lines() {
      if (lines) return lines;
      const me = ports.me();
      lines = storedLines(excerpt.entries, me, reach);
      if (!excerpt.hasNewer)
        lines = [...lines, ...storedLines(outbox.stored, me, reach), ...outgoingLines(excerpt.entries, outbox, me)];
      return lines;
    },
    get state() {
      return isGone ? 'gone' : excerpt.loaded ? 'open' : 'loading';
    },
    get hasOlder() {
      return excerpt.hasOlder;
    },
    get hasNewer() {
      return excerpt.hasNewer;
    },
    on(_, listener) {
      const off = changes.on(listener);
      pull();
      return off;
    },
    async load(side) {
      const want = excerpt.toward(side);
      if (!want) return;
      await loading.fetch(want);
      // The answer may say that the log began anew.
      pull();
    },
    latest() {
      if (!excerpt.hasNewer) return;
      excerpt.restart();
      changed();
      pull();
    },
    send(text, { receipt = false } = {}) {
      conversation.latest();
      return sending.send(text, receipt);
    },
    retry: sending.retry,
    discard: sending.discard,
    read(version = excerpt.last) {
      if (id === undefined || version <= (ports.summary()?.read ?? 0) || !reading.read(version)) return;
      ports.onRead(id, version);
    },
    async takeBack(version) {
      await call('conversation.takeBack', { conversation: id, version });
      excerpt.takeBack(version);
      changed();
    },
    async forget(what) {
      await call('conversation.forget', { conversation: id, ...what });
      excerpt.forget(what);
      changed();
    },
    async mute(muted) {
      await call('conversation.mute', { conversation: id, muted });
      if (id !== undefined) ports.onMuted(id, muted);
    },
  };

  return {
    conversation,
    get busy() {
      return changes.listeners > 0 || outbox.items.length > 0 || reading.busy;
    },
    take(entry) {
      const of = takenBackIn(entry);
      if (of !== undefined) excerpt.takeBack(of);
      excerpt.take(entry);
      outbox.settle(excerpt.last);
      changed();
      pull(HOLE_PATIENCE_MS);
    },
    reaches(version, epoch) {
      excerpt.reaches(version, epoch);
      changed();
      pull(excerpt.loaded ? HOLE_PATIENCE_MS : 0);
    },
    forget(what) {
      excerpt.forget(what);
      changed();
    },
    resume() {
      pull();
      if (changes.listeners) void askReceipts(excerpt.entries);
    },
    rest: loading.rest,
    changed,
    leave() {
      isGone = true;
      excerpt.restart();
      changed();
    },
  };
}
