/** A WebSocket client for tests over real sockets. */
import { type ClientOptions, WebSocket } from 'ws';
import { ReceivedMessages } from './received-messages.js';

export class WebSocketClient extends ReceivedMessages {
  readonly webSocket: WebSocket;

  constructor(url: string, { subprotocols = [], ...options }: ClientOptions & { subprotocols?: string[] } = {}) {
    super();
    this.webSocket = new WebSocket(url, subprotocols, options);
    this.webSocket.on('message', (data: Buffer) => this.take(data.toString('utf8')));
    this.webSocket.on('close', (code, reason) => {
      this.takeClose(code, reason.toString('utf8'));
      this.end();
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
}
