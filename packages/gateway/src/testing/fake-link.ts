/** A transport connection whose other end is a test: says JSON lines, keeps what the gateway answers. */
import { jsonServerCodec, type ServerMessage } from '@im/protocol';
import type { Link, LinkEvents } from '../link.js';
import { createWire, type Wire } from '../wire.js';

/** What a test reads: parsed, so `data` is a value. */
export type ReceivedMessage = ServerMessage<unknown>;
type Kind = ReceivedMessage['type'];
type OfKind<K extends Kind> = Extract<ReceivedMessage, { type: K }>;

const WIRE: Wire = createWire(jsonServerCodec, (payload) => payload);

export class FakeLink implements Link {
  readonly wire = WIRE;
  readonly bufferedBytes = 0;
  /** Cleared: a client that does not read, and so does not confirm; {@link confirm} has it read on. */
  reads = true;
  /** The question that it has not answered. */
  asked: number | undefined;
  /** All that came, in order. */
  readonly messages: ReceivedMessage[] = [];
  /** The same as it came, a chunk each. */
  readonly chunks: Uint8Array[] = [];
  /** How the gateway closed it. */
  closedWith: { code: number; reason: string } | undefined;
  /** Set: a gateway that closes is told at once that the link is gone, as with a peer that answers. */
  closesAtOnce = true;
  readonly #events: LinkEvents;
  readonly #expectations = new Set<() => void>();
  #gone = false;

  /** @param accept a gateway's `accept` */
  constructor(
    accept: (link: Link) => LinkEvents,
    readonly remoteAddress = '203.0.113.7',
  ) {
    this.#events = accept(this);
  }

  // ── the gateway's side ──────────────────────────────────────────────────────────────────────

  write(chunk: Uint8Array, probe?: number): void {
    if (this.closedWith || this.#gone) return;
    this.chunks.push(chunk);
    for (const line of Buffer.from(chunk).toString('utf8').split('\n')) this.messages.push(JSON.parse(line));
    this.#check();
    if (probe !== undefined) this.probe(probe);
  }

  probe(number: number): void {
    this.asked = number;
    queueMicrotask(() => {
      if (this.reads) this.confirm();
    });
  }

  close(code: number, reason: string): void {
    if (this.closedWith || this.#gone) return;
    this.closedWith = { code, reason };
    this.#check();
    if (this.closesAtOnce) queueMicrotask(() => this.disconnect());
  }

  // ── the test's side ─────────────────────────────────────────────────────────────────────────

  /** Sends one transport message: messages as objects, or text as it is. */
  say(...messages: (object | string)[]): void {
    this.sayBytes(
      Buffer.from(messages.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join('\n')),
    );
  }

  sayBytes(frame: Uint8Array): void {
    this.#events.received(frame);
  }

  get events(): LinkEvents {
    return this.#events;
  }

  /** The network is gone, without a word. */
  disconnect(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#events.closed();
    this.#check();
  }

  /** The client has read everything and answers, now and from now on. */
  confirm(): void {
    this.reads = true;
    const { asked } = this;
    this.asked = undefined;
    if (asked !== undefined && !this.#gone) this.#events.confirmed(asked);
  }

  /** All messages of a kind that came so far. */
  all<K extends Kind>(type: K): OfKind<K>[] {
    return this.messages.filter((message): message is OfKind<K> => message.type === type);
  }

  /** The first message of a kind that fits, come or to come. */
  until<K extends Kind>(type: K, fits: (message: OfKind<K>) => boolean = () => true): Promise<OfKind<K>> {
    return this.#eventually(() => this.all(type).find(fits), `a ${type}`);
  }

  /** The answer to a command, come or to come. */
  answerTo(id: number): Promise<ReceivedMessage> {
    return this.#eventually(
      () => this.messages.find((message) => 'id' in message && message.id === id && message.type !== 'push'),
      `an answer to ${id}`,
    );
  }

  /** How the gateway closes it. */
  untilClosed(): Promise<{ code: number; reason: string }> {
    return this.#eventually(() => this.closedWith, 'a close');
  }

  #eventually<T>(find: () => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find();
        if (found === undefined && !this.#gone) return;
        this.#expectations.delete(look);
        if (found !== undefined) resolve(found);
        else reject(new Error(`the link is gone before ${what} came; it got ${JSON.stringify(this.messages)}`));
      };
      this.#expectations.add(look);
      look();
    });
  }

  #check(): void {
    for (const look of [...this.#expectations]) look();
  }
}
