/** A WebSocket client for tests over real sockets. */
import { type ClientOptions, WebSocket } from 'ws';
import type { ReceivedMessage } from './fake-link.js';

export class WebSocketClient {
  readonly messages: ReceivedMessage[] = [];
  readonly webSocket: WebSocket;
  closedWith: { code: number; reason: string } | undefined;
  readonly #expectations = new Set<() => void>();

  constructor(url: string, { subprotocols = [], ...options }: ClientOptions & { subprotocols?: string[] } = {}) {
    this.webSocket = new WebSocket(url, subprotocols, options);
    this.webSocket.on('message', (data: Buffer) => {
      for (const line of data.toString('utf8').split('\n')) this.messages.push(JSON.parse(line));
      this.#check();
    });
    this.webSocket.on('close', (code, reason) => {
      this.closedWith = { code, reason: reason.toString('utf8') };
      this.#check();
    });
    // What could not be opened is seen by `opened`; what broke later, by `close`.
    this.webSocket.on('error', () => {});
  }

  /** Rejects with the HTTP status when the handshake was refused. */
  opened(): Promise<this> {
    return new Promise((resolve, reject) => {
      this.webSocket.once('open', () => resolve(this));
      this.webSocket.once('unexpected-response', (_request, response) => {
        response.resume();
        reject(new Error(`HTTP ${response.statusCode}`));
      });
      this.webSocket.once('error', reject);
    });
  }

  say(...messages: object[]): void {
    this.webSocket.send(messages.map((message) => JSON.stringify(message)).join('\n'));
  }

  /** All messages of a kind that came so far. */
  all<K extends ReceivedMessage['type']>(type: K): Extract<ReceivedMessage, { type: K }>[] {
    return this.messages.filter((message): message is Extract<ReceivedMessage, { type: K }> => message.type === type);
  }

  /** The first message of a kind, come or to come. */
  until<K extends ReceivedMessage['type']>(type: K): Promise<Extract<ReceivedMessage, { type: K }>> {
    return this.#eventually(() => this.all(type)[0], `a ${type}`);
  }

  answerTo(id: number): Promise<ReceivedMessage> {
    return this.#eventually(
      () => this.messages.find((message) => 'id' in message && message.id === id && message.type !== 'push'),
      `an answer to ${id}`,
    );
  }

  untilClosed(): Promise<{ code: number; reason: string }> {
    return this.#eventually(() => this.closedWith, 'a close');
  }

  #eventually<T>(find: () => T | undefined, what: string): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const found = find();
        if (found === undefined && !this.closedWith) return;
        this.#expectations.delete(look);
        if (found !== undefined) resolve(found);
        else reject(new Error(`closed with ${JSON.stringify(this.closedWith)} before ${what} came`));
      };
      this.#expectations.add(look);
      look();
    });
  }

  #check(): void {
    for (const look of [...this.#expectations]) look();
  }
}
