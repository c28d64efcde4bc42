/** One device of somebody who talks, with the SDK as apps use it. Must not know what becomes of its connections. */
import { type Client, createClient, type ImError } from '@im/client-sdk';
import { type Conversation, type Conversations, conversations } from '@im/client-sdk/conversations';
import { WebSocket } from 'ws';
import { signToken } from '../sign-token.js';
import type { Shown, TalkDevice } from './talk-ledger.js';

/** Transport messages, both ways. */
export interface Traffic {
  sent: number;
  received: number;
}

export interface TalkerOptions {
  readonly user: string;
  readonly device: string;
  /** Of gateways. */
  readonly urls: readonly string[];
  readonly jwtSecret: string;
  readonly traffic: Traffic;
  readonly book: TalkDevice;
  readonly onError: (error: unknown) => void;
}

/** How long one message may take, whatever the network does. */
const CALL_TIMEOUT_MS = 60_000;

export class Talker {
  readonly user: string;
  readonly client: Client;
  readonly #conversations: Conversations;
  readonly #book: TalkDevice;
  readonly #watched: Conversation[] = [];
  /** Texts of this device that are not acknowledged, and who waits for it. */
  readonly #waiting = new Map<string, () => void>();
  reconnects = -1;
  resumed = 0;

  constructor({ user, device, urls, jwtSecret, traffic, book, onError }: TalkerOptions) {
    this.user = user;
    this.#book = book;
    this.client = createClient({
      url: [...urls],
      token: signToken(user, jwtSecret),
      device,
      WebSocket: countingSocket(traffic),
      reconnect: { minMs: 20, maxMs: 500 },
      callTimeoutMs: CALL_TIMEOUT_MS,
    });
    this.client.on('state', (state) => {
      if (state.status !== 'connected') return;
      this.reconnects += 1;
      if (state.resumed) this.resumed += 1;
    });
    this.client.on('error', onError);
    this.#conversations = conversations(this.client);
    this.#conversations.on('message', ({ text = '' }) => book.came(text));
    this.client.connect();
  }

  /** The conversation with a person, or the group of this id. */
  conversation(target: { readonly user: string } | { readonly group: string }): Conversation {
    return 'user' in target ? this.#conversations.with(target.user) : this.#conversations.open(target.group);
  }

  /** Looks at a conversation from now on, and checks the order of what it shows whenever that changes. */
  watch(name: string, conversation: Conversation): void {
    this.#watched.push(conversation);
    conversation.on('change', () => {
      this.#book.shows(name, shownIn(conversation));
      for (const line of conversation.lines) {
        if (line.kind !== 'message' || !line.mine || line.state === 'sending') continue;
        if (line.state !== 'failed') this.#waiting.get(line.text)?.();
      }
    });
  }

  /** It is in its groups, so that what comes is told, and the conversations that it looks at are here. */
  get isReady(): boolean {
    return this.#conversations.loaded && this.#watched.every(({ state }) => state === 'open');
  }

  /** Settles when it is stored. */
  say(conversation: Conversation, text: string): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.set(text, () => {
        this.#waiting.delete(text);
        resolve();
      });
      conversation.send(text);
    });
  }

  /** Reads a conversation to its beginning and notes all of it. */
  async showAll(name: string, conversation: Conversation): Promise<void> {
    while (conversation.hasOlder) {
      await conversation.load('older').catch((error: ImError) => {
        // A connection that had died silently is found out now: the next one is asked.
        if (!error.retryable) throw error;
      });
    }
    this.#book.showsAll(name, shownIn(conversation));
  }

  close(): void {
    this.#conversations.close();
    this.client.close();
  }
}

/**
 * What is stored of what it shows; of a group also what happened to it, which has no text. What this page said stands behind all
 * else until everything before it is there: from the first hole on there may be nothing but that.
 */
function shownIn({ lines }: Conversation): Shown[] {
  const stored = lines.flatMap((line) => {
    if (line.version === undefined) return [];
    const [text, mine] = line.kind === 'message' ? [line.text, line.mine] : ['', false];
    return [{ version: line.version, text, mine }];
  });
  const hole = stored.findIndex(({ version }, at) => at > 0 && version !== (stored[at - 1]?.version ?? 0) + 1);
  return hole > 0 && stored.slice(hole).every(({ mine }) => mine) ? stored.slice(0, hole) : stored;
}

function countingSocket(traffic: Traffic): typeof WebSocket {
  return class extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols);
      this.addEventListener('message', () => {
        traffic.received += 1;
      });
    }

    override send(data: Parameters<WebSocket['send']>[0]): void {
      traffic.sent += 1;
      super.send(data);
    }
  } as typeof WebSocket;
}
