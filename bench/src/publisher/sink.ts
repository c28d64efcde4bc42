/** Ways of handing messages to a system under test, from outside it. */
import { Agent, request } from 'node:http';
import { connect } from 'node:net';
import type { Lane } from '@im/protocol';
import type { PublishTarget } from './publisher-command.js';

export interface Message {
  readonly lane: Lane;
  readonly body: string;
}

export interface Sink {
  /** Resolves when the system has taken them; calls are made one after the other. */
  send(messages: readonly Message[]): Promise<void>;
  close(): void;
}

export function openSink(target: PublishTarget): Promise<Sink> {
  switch (target.kind) {
    case 'lines':
      return Promise.resolve(new HttpSink(target.url, {}, (messages) => messages.map(({ body }) => body).join('\n')));
    case 'im':
      return Promise.resolve(
        new HttpSink(target.url, { authorization: `Bearer ${target.token}` }, (messages) =>
          messages.map(({ lane, body }) => publicationLine(target.room, lane, body)).join('\n'),
        ),
      );
    case 'nats':
      return NatsSink.open(target);
  }
}

function publicationLine(room: string, lane: Lane, body: string): string {
  return `{"to":{"room":"${room}"},"event":"${lane === 'normal' ? 'chat' : 'gift'}","lane":"${lane}","data":${body}}`;
}

class HttpSink implements Sink {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #url: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #encode: (messages: readonly Message[]) => string;

  constructor(
    url: string,
    headers: Readonly<Record<string, string>>,
    encode: (messages: readonly Message[]) => string,
  ) {
    this.#url = url;
    this.#headers = { ...headers, 'content-type': 'application/x-ndjson' };
    this.#encode = encode;
  }

  send(messages: readonly Message[]): Promise<void> {
    const body = this.#encode(messages);
    return new Promise((resolve, reject) => {
      const headers = { ...this.#headers, 'content-length': Buffer.byteLength(body) };
      const post = request(this.#url, { method: 'POST', agent: this.#agent, headers }, (response) => {
        const { statusCode = 0 } = response;
        let answer = '';
        response.setEncoding('utf8').on('data', (text) => {
          answer += text;
        });
        response.on('end', () => {
          if (statusCode >= 200 && statusCode < 300) resolve();
          else reject(new Error(`publishing was answered ${statusCode}: ${answer.slice(0, 200)}`));
        });
      });
      post.on('error', reject);
      post.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** NATS's client protocol: PUB, and a PING whose PONG says that all before it was taken. */
class NatsSink implements Sink {
  readonly #socket;
  readonly #subject: string;
  #onPong: (() => void) | undefined;
  #onError: ((error: Error) => void) | undefined;

  static async open(target: Extract<PublishTarget, { kind: 'nats' }>): Promise<NatsSink> {
    const sink = new NatsSink(target);
    await sink.send([]);
    return sink;
  }

  private constructor({ host, port, subject }: Extract<PublishTarget, { kind: 'nats' }>) {
    this.#subject = subject;
    this.#socket = connect(port, host);
    this.#socket.setNoDelay(true);
    this.#socket.setEncoding('latin1').on('data', (text: string) => {
      if (text.includes('PONG')) this.#onPong?.();
    });
    this.#socket.on('error', (error) => this.#onError?.(error));
    this.#socket.write('CONNECT {"verbose":false,"pedantic":false}\r\n');
  }

  send(messages: readonly Message[]): Promise<void> {
    const publishes = messages.map(({ body }) => `PUB ${this.#subject} ${body.length}\r\n${body}\r\n`);
    return new Promise((resolve, reject) => {
      this.#onPong = resolve;
      this.#onError = reject;
      this.#socket.write(`${publishes.join('')}PING\r\n`);
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}
