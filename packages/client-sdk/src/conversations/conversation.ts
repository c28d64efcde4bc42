/**
 * One conversation of a page: loads what is wanted, sends what was written, and says what to show. Owns the calls of one conversation;
 * must not know the others.
 */
import type { CodedError } from '@im/protocol';
import type { Clock, Timer } from '@im/protocol/ports';
import { ownError } from '../errors.js';
import { createChanges } from './changes.js';
import { takenBackIn } from './entry.js';
import { createExcerpt, type Forgotten, type Page, type Want } from './excerpt.js';
import { type Line, outgoingLines, type SendState, storedLines } from './lines.js';
import { createOutbox } from './outbox.js';
import type { Persistence } from './persistence.js';
import type { Entry, History, Sent, Summary } from './service.js';

/** Entries of one page. */
const PAGE = 50;
/** Two people who write at once may be told of each other in another order: a hole is given so long to close by itself. */
const HOLE_PATIENCE_MS = 300;
const SEND_TIMEOUT_MS = 30_000;

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
  reach(version: number): SendState;
  /** A message of this page was stored. */
  onStored(id: string, entry: Entry): void;
  onRead(id: string, version: number): void;
  onMuted(id: string, muted: boolean): void;
  report(error: unknown): void;
}

export function createConversation(target: Target, ports: ConversationPorts): ConversationEntry {
  const { clock, persistence, call } = ports;
  const excerpt = createExcerpt();
  const outbox = createOutbox();
  const changes = createChanges(ports.report);
  let id = 'conversation' in target ? target.conversation : undefined;
  let isGone = false;
  let lines: readonly Line[] | undefined;
  let pulling = false;
  let failures = 0;
  let timer: Timer | undefined;
  /** The highest version that the service is being told. */
  let readUpTo = 0;

  function changed(): void {
    lines = undefined;
    changes.notify();
  }

  /** @throws CodedError */
  async function fetch(want: Want): Promise<void> {
    const history = (await call('conversation.history', { ...target, ...want, limit: PAGE })) as History;
    id = history.conversation;
    excerpt.page(pageOf(history, want), want);
    outbox.settle(excerpt.last);
    isGone = false;
    changed();
  }

  /** Loads what is missing, while somebody listens. */
  function pull(delayMs = 0): void {
    if (pulling || timer || !excerpt.wanted || !changes.listeners || !ports.isConnected()) return;
    timer = clock.after(delayMs, () => {
      timer = undefined;
      const { wanted } = excerpt;
      if (wanted) void pullNow(wanted);
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
      if (!(error as CodedError).retryable) return onRefused(error);
    } finally {
      pulling = false;
    }
    pull(persistence.delayMs(failures));
  }

  /** It is tried again with the next connection. */
  function onRefused(error: unknown): void {
    isGone = ['CONVERSATION_UNKNOWN', 'FORBIDDEN'].includes((error as CodedError).name);
    if (isGone) excerpt.restart();
    else if ((error as CodedError).name !== 'CLOSED') ports.report(error);
    changed();
  }

  async function flush(): Promise<void> {
    for (let item = outbox.begin(excerpt.last); item; item = outbox.begin(excerpt.last)) {
      const { key, text, receipt } = item;
      const to = 'with' in target ? { to: target.with } : target;
      try {
        const data = { ...to, text, ...(receipt && { receipt }) };
        const sent = await persistence.until(() =>
          call('conversation.send', data, { key, timeoutMs: SEND_TIMEOUT_MS }),
        );
        onStored(sent as Sent, text);
      } catch (error) {
        outbox.refuse(error);
        changed();
      }
    }
  }

  function onStored({ id: messageId, conversation, version, at }: Sent, text: string): void {
    id = conversation;
    const from = { user: ports.me(), name: ports.me() };
    const entry: Entry = { version, event: 'message', data: { id: messageId, from, text, at } };
    outbox.acknowledge(entry);
    excerpt.take(entry);
    outbox.settle(excerpt.last);
    ports.onStored(conversation, entry);
    changed();
    pull(HOLE_PATIENCE_MS);
  }

  async function tellRead(): Promise<void> {
    for (let told = 0; told < readUpTo; ) {
      const version = readUpTo;
      try {
        await persistence.until(() => call('conversation.read', { conversation: id, version }));
      } catch {
        // Who is no longer in it has nothing to read.
      }
      told = version;
    }
    readUpTo = 0;
  }

  const conversation: Conversation = {
    get id() {
      return id;
    },
    get summary() {
      return ports.summary();
    },
    get lines() {
      lines ??= [
        ...storedLines(excerpt.entries, ports.me(), ports.reach),
        ...(excerpt.hasNewer ? [] : storedLines(outbox.stored, ports.me(), ports.reach)),
        ...(excerpt.hasNewer ? [] : outgoingLines(excerpt.entries, outbox, ports.me())),
      ];
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
      if (want) await fetch(want);
    },
    latest() {
      if (!excerpt.hasNewer) return;
      excerpt.restart();
      changed();
      pull();
    },
    send(text, { receipt = false } = {}) {
      const key = ports.newKey();
      // As the service does, so that the stored copy is known again.
      if (!outbox.add({ key, text: text.trim(), receipt, at: clock.now() })) throw ownError('QUEUE_FULL');
      conversation.latest();
      changed();
      void flush();
      return key;
    },
    retry(key) {
      // Under its old key it would get the answer that it got.
      outbox.retry(key, { key: ports.newKey(), at: clock.now() });
      changed();
      void flush();
    },
    discard(key) {
      outbox.discard(key);
      changed();
    },
    read(version = excerpt.last) {
      if (id === undefined || version <= Math.max(readUpTo, ports.summary()?.read ?? 0)) return;
      const isTelling = readUpTo > 0;
      readUpTo = version;
      ports.onRead(id, version);
      if (!isTelling) void tellRead();
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
      return changes.listeners > 0 || outbox.items.length > 0 || readUpTo > 0;
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
    resume: () => pull(),
    rest() {
      timer?.cancel();
      timer = undefined;
    },
    changed,
    leave() {
      isGone = true;
      excerpt.restart();
      changed();
    },
  };
}

/** What an answer covers, in order. */
function pageOf({ entries, before = 1, after, epoch, version }: History, want: Want): Page {
  if (want.after !== undefined) return { epoch, version, first: want.after + 1, last: after ?? version, entries };
  const last = want.before === undefined ? version : want.before - 1;
  return { epoch, version, first: before, last, entries: [...entries].reverse() };
}
