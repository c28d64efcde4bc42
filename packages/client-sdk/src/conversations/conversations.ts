/**
 * The conversations of one user on one page: the list, kept right by what comes live, and those that are open. Owns the wiring between client
 * and state; business is the service's.
 */
import { systemClock } from '@im/protocol/clock';
import type { Clock, Random } from '@im/protocol/ports';
import type { CallOptions } from '../calls.js';
import type { Client } from '../client.js';
import type { ClientState } from '../connection/states.js';
import { createEmitter } from '../emitter.js';
import { reportToPlatform } from '../report-to-platform.js';
import type { Schema } from '../schema.js';
import { createChanges } from './changes.js';
import { type Conversation, type ConversationEntry, createConversation, type Target } from './conversation.js';
import { messageIn } from './entry.js';
import { createListing, REFRESH_MS } from './listing.js';
import { createMemberships } from './memberships.js';
import { createPersistence } from './persistence.js';
import { createReceipts } from './receipts.js';
import type { Entry, MessageData, Notice, ReceiptNotice, Summary } from './service.js';
import { createSummaries } from './summaries.js';

/** Conversations that stay loaded though nobody listens: those opened last. */
const MAX_IDLE = 50;

/** A message that came while the page was there, or was missed and brought. */
export interface LiveMessage extends MessageData {
  readonly conversation: string;
  readonly version: number;
}

export interface Conversations {
  /** Newest first. Another array after each change, and only then. */
  readonly list: readonly Summary[];
  /** The first page of the list has come. */
  readonly loaded: boolean;
  readonly hasMore: boolean;
  /** Of the conversations in the list that are not muted; at least so many when one of them has 100. */
  readonly unread: number;
  /** Loads older conversations into the list. @throws ImError as `call` */
  more(): Promise<void>;
  /** The same object for as long as somebody listens to it. */
  open(conversation: string): Conversation;
  /** The conversation with a person, also when nothing was written yet. */
  with(user: string): Conversation;
  /** `change`: of anything here. Returns the function that takes the subscription back. */
  on(event: 'change', listener: () => void): () => void;
  /** `message`: once each, also one's own; in the order of their conversation, but for those of two who write at once. */
  on(event: 'message', listener: (message: LiveMessage) => void): () => void;
  /** Nothing is heard or sent from here on. The client stays open. */
  close(): void;
}

export interface ConversationsPorts {
  readonly clock: Clock;
  readonly random: Random;
}

/** For the service `conversation`; make it once for a client, whose user must stay the same. */
export function conversations<S extends Schema>(
  client: Client<S>,
  ports: Partial<ConversationsPorts> = {},
): Conversations {
  const { clock = systemClock, random = Math.random } = ports;
  const wire = client as unknown as Client;
  const summaries = createSummaries();
  const receipts = createReceipts();
  const changes = createChanges(reportToPlatform);
  const messages = createEmitter(reportToPlatform);
  /** Opened last at the end; by id, or by `@` and the person. */
  const opened = new Map<string, ConversationEntry>();
  let me = '';
  let isConnected = false;
  let isJoined = false;
  let keys = 0;

  const persistence = createPersistence(clock, random, () => isConnected);
  const memberships = createMemberships({
    client: wire,
    persistence,
    onEntry: live,
    onHole(group, { version, epoch }) {
      each(group, (open) => open.reaches(version, epoch));
      refresh();
    },
    onLeft: leave,
  });

  const call = (method: string, data: object, options?: CallOptions): Promise<unknown> =>
    wire.call(method, data, options);

  const listing = createListing({
    clock,
    call,
    isConnected: () => isConnected,
    count: () => summaries.list.length,
    onSummary(summary) {
      const { conversation, kind, version, epoch } = summary;
      if (!summaries.answer(summary)) refresh();
      each(conversation, (open) => open.reaches(version, epoch));
      if (kind === 'direct') return;
      memberships.listen(conversation);
      // Something came before anybody listened.
      const heard = memberships.position(conversation);
      if (heard?.epoch === epoch && heard.version > (summaries.get(conversation) as Summary).version) refresh();
    },
    onChange: changes.notify,
  });
  const { refresh } = listing;

  function live(conversation: string, entry: Entry): void {
    if (!summaries.take(conversation, entry, me)) refresh();
    each(conversation, (open) => open.take(entry));
    const message = messageIn(entry);
    if (message) messages.emit('message', { ...message, conversation, version: entry.version });
    changes.notify();
  }

  function each(conversation: string, act: (open: ConversationEntry) => void): void {
    for (const open of opened.values()) if (open.conversation.id === conversation) act(open);
  }

  function leave(conversation: string): void {
    summaries.remove(conversation);
    each(conversation, (open) => open.leave());
    changes.notify();
  }

  async function begin(resumed: boolean): Promise<void> {
    // Which groups were restored is known right behind the event.
    await Promise.resolve();
    // What was missed is brought; what was read elsewhere is not. Many come back at once.
    if (resumed && isJoined && memberships.resume()) return refresh(REFRESH_MS * (1 + 3 * random()));
    isJoined = false;
    try {
      if (!(await memberships.begin())) return;
      isJoined = true;
    } catch (error) {
      reportToPlatform(error);
    }
    refresh(0);
  }

  function onState(state: ClientState): void {
    isConnected = state.status === 'connected';
    if (state.status === 'connected') {
      me = state.user;
      persistence.wake();
      void begin(state.resumed);
      for (const open of opened.values()) open.resume();
    } else {
      persistence.sleep();
      memberships.rest();
      listing.rest();
      for (const open of opened.values()) open.rest();
    }
  }

  /** What the user's own log and devices say. Others may push there too: what names no conversation is theirs. */
  const NOTICES: Readonly<Record<string, (notice: Notice) => void>> = {
    message: ({ conversation, version, ...data }) => live(conversation, { version, event: 'message', data }),
    'taken-back': ({ conversation, version, ...data }) => live(conversation, { version, event: 'taken-back', data }),
    conversation({ conversation, change }) {
      if (change === 'removed') return leave(conversation);
      memberships.join(conversation).then(() => refresh(0), ignore);
    },
    read({ conversation, read }) {
      if (!summaries.read(conversation, read)) refresh();
    },
    mute: ({ conversation, muted }) => summaries.change(conversation, { muted }),
    forget({ conversation, versions, upTo }) {
      each(conversation, (open) => open.forget({ ...(versions && { versions }), ...(upTo !== undefined && { upTo }) }));
      refresh();
    },
  };

  const offs = [
    wire.on('state', onState),
    ...Object.entries(NOTICES).map(([event, hear]) =>
      wire.user.on(event, (data) => {
        if (typeof (data as Notice | null)?.conversation !== 'string') return;
        hear(data as Notice);
        changes.notify();
      }),
    ),
    wire.user.on('receipt', (notice) => {
      for (const sums of (notice as ReceiptNotice | null)?.receipts ?? []) {
        receipts.take(sums);
        each(sums.conversation, (open) => open.changed());
      }
    }),
    wire.user.on('$recovered', ({ recovered }) => {
      if (!recovered) refresh(0);
    }),
    // What was read elsewhere may be among it.
    wire.user.on('$shed', () => refresh()),
  ];
  onState(client.state);

  function openBy(key: string, target: Target): Conversation {
    let entry = opened.get(key);
    if (entry) opened.delete(key);
    else entry = createOpen(target);
    opened.set(key, entry);
    for (const [name, { busy }] of opened) {
      if (opened.size <= MAX_IDLE) break;
      if (!busy && name !== key) opened.delete(name);
    }
    return entry.conversation;
  }

  function createOpen(target: Target): ConversationEntry {
    return createConversation(target, {
      clock,
      persistence,
      call,
      newKey: () => `${clock.now().toString(36)}-${keys++}-${random().toString(36).slice(2)}`,
      me: () => me,
      isConnected: () => isConnected,
      summary: () => ('with' in target ? summaries.with(target.with) : summaries.get(target.conversation)),
      reach: receipts.of,
      onReceipts(id, told) {
        for (const sums of told) receipts.take({ conversation: id, ...sums });
        each(id, (open) => open.changed());
      },
      onStored: (id, stored) => {
        if (!summaries.take(id, stored, me)) refresh();
        changes.notify();
      },
      onRead(id, version) {
        if (!summaries.read(id, version)) refresh();
        changes.notify();
      },
      onMuted(id, muted) {
        summaries.change(id, { muted });
        changes.notify();
      },
      report: reportToPlatform,
    });
  }

  function open(conversation: string): Conversation {
    for (const [key, { conversation: known }] of opened) {
      if (known.id === conversation) return openBy(key, { conversation });
    }
    return openBy(conversation, { conversation });
  }

  return {
    get list() {
      return summaries.list;
    },
    get loaded() {
      return listing.loaded;
    },
    get hasMore() {
      return listing.hasMore;
    },
    get unread() {
      return summaries.unread;
    },
    more: listing.more,
    open,
    with(user) {
      const known = opened.has(`@${user}`) ? undefined : summaries.with(user);
      return known ? open(known.conversation) : openBy(`@${user}`, { with: user });
    },
    on: (event: 'change' | 'message', listener: (message: never) => void) =>
      event === 'change' ? changes.on(listener as () => void) : messages.on(event, listener),
    close() {
      for (const off of offs) off();
      memberships.close();
      isConnected = false;
      persistence.close();
      listing.rest();
      for (const open of opened.values()) open.rest();
    },
  };
}

const ignore = (): void => {};
