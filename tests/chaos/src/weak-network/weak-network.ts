/**
 * A network as people have it in trains and lifts: a proxy in front of a server that delays every byte, and ends
 * connections in the ways in which networks end them. Must not know what the bytes say.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { DelayedPipe } from './delayed-pipe.js';

export interface WeakNetworkOptions {
  /** Of the server behind it, on this machine. */
  readonly port: number;
  /** What a connection takes in each direction: drawn for each. */
  readonly delayMs: readonly [min: number, max: number];
  /** How long a connection lasts on average; none lasts more than half as long again. `Infinity`: none is cut. */
  readonly cutEveryMs: number;
  /** From 0 to 1, even. */
  readonly random: () => number;
}

/**
 * How a connection ends.
 * - `reset`: for both sides at once.
 * - `half`: the server is told that the client says no more; what it still says arrives, until the rest is cut.
 * - `silent`: nothing arrives any more, nobody is told until the rest is cut.
 * - `late`: the client is told at once, and what it had said arrives afterwards: when it has come back already, the end of the
 *   old connection is seen after the beginning of the new one.
 */
const ENDINGS = ['reset', 'half', 'silent', 'late'] as const;
export type Ending = (typeof ENDINGS)[number];

export class WeakNetwork {
  readonly #options: WeakNetworkOptions;
  readonly #server: Server;
  readonly #links = new Set<WeakLink>();
  #mended = false;
  /** How often a connection was ended in which way. */
  readonly endings: Record<Ending, number> = { reset: 0, half: 0, silent: 0, late: 0 };

  private constructor(options: WeakNetworkOptions) {
    this.#options = options;
    // A half-closed side stays open for the other.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => this.#accept(client));
  }

  static async open(options: WeakNetworkOptions): Promise<WeakNetwork> {
    const network = new WeakNetwork(options);
    network.#server.listen(0, '127.0.0.1');
    await once(network.#server, 'listening');
    return network;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on nothing is cut; what is under way still takes its time. */
  mend(): void {
    this.#mended = true;
    for (const link of this.#links) link.keep();
  }

  async close(): Promise<void> {
    this.#server.close();
    for (const link of this.#links) link.destroy();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #accept(client: Socket): void {
    const { port, delayMs, cutEveryMs, random } = this.#options;
    const [min, max] = delayMs;
    const link = new WeakLink({
      client,
      server: connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true }),
      delayMs: min + random() * (max - min),
      onEnd: () => this.#links.delete(link),
    });
    this.#links.add(link);
    if (this.#mended || cutEveryMs === Number.POSITIVE_INFINITY) return;
    const ending = ENDINGS[Math.floor(random() * ENDINGS.length)] as Ending;
    link.cutAfter(cutEveryMs * (0.5 + random()), () => {
      this.endings[ending] += 1;
      link.cut(ending);
    });
  }
}

interface WeakLinkOptions {
  readonly client: Socket;
  readonly server: Socket;
  readonly delayMs: number;
  readonly onEnd: () => void;
}

/** One connection and what it takes. */
class WeakLink {
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #toServer: DelayedPipe;
  readonly #toClient: DelayedPipe;
  readonly #delayMs: number;
  #timer: NodeJS.Timeout | undefined;

  constructor({ client, server, delayMs, onEnd }: WeakLinkOptions) {
    this.#client = client;
    this.#server = server;
    this.#delayMs = delayMs;
    this.#toServer = new DelayedPipe(client, server, delayMs);
    this.#toClient = new DelayedPipe(server, client, delayMs);
    let open = 2;
    const closed = (): void => {
      open -= 1;
      if (open > 0) return;
      clearTimeout(this.#timer);
      onEnd();
    };
    client.on('error', () => {}).on('close', closed);
    server.on('error', () => {}).on('close', closed);
    // Without the other side there is nobody to say anything to, once what is under way has arrived.
    client.on('close', () => this.#toServer.end());
    server.on('close', () => this.#toClient.end());
  }

  cutAfter(ms: number, cut: () => void): void {
    this.#timer = setTimeout(cut, ms);
  }

  keep(): void {
    clearTimeout(this.#timer);
  }

  cut(ending: Ending): void {
    if (ending === 'half') this.#toServer.end();
    if (ending === 'silent') this.#stop();
    if (ending === 'late') this.#client.destroy();
    if (ending === 'reset') this.destroy();
    else this.#timer = setTimeout(() => this.destroy(), this.#delayMs * 2);
  }

  destroy(): void {
    this.#stop();
    this.#client.destroy();
    this.#server.destroy();
  }

  #stop(): void {
    this.#toServer.stop();
    this.#toClient.stop();
  }
}
