/** What a test got over one connection, and waiting for what is to come. Must not know how it comes. */
import type { ServerMessage } from '@im/protocol';

/** What a test reads: parsed, so `data` is a value. */
export type ReceivedMessage = ServerMessage<unknown>;
type Kind = ReceivedMessage['type'];
type OfKind<K extends Kind> = Extract<ReceivedMessage, { type: K }>;

export class ReceivedMessages {
  /** All that came, in order. */
  readonly messages: ReceivedMessage[] = [];
  /** How the gateway closed it. */
  closedWith: { code: number; reason: string } | undefined;
  readonly #expectations = new Set<() => void>();
  #gone = false;

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

  /** JSON lines have come. */
  protected take(lines: string): void {
    for (const line of lines.split('\n')) this.messages.push(JSON.parse(line));
    this.#look();
  }

  protected takeClose(code: number, reason: string): void {
    this.closedWith = { code, reason };
    this.#look();
  }

  /** Nothing more will come. */
  protected end(): void {
    this.#gone = true;
    this.#look();
  }

  protected get gone(): boolean {
    return this.#gone;
  }

  #eventually<T>(find: () => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find();
        if (found === undefined && !this.#gone) return;
        this.#expectations.delete(look);
        if (found !== undefined) resolve(found);
        else reject(new Error(`the connection is gone before ${what} came; it got ${JSON.stringify(this.messages)}`));
      };
      this.#expectations.add(look);
      look();
    });
  }

  #look(): void {
    for (const look of [...this.#expectations]) look();
  }
}
