/** The sockets to one broadcast node: a PUSH and an XSUB for each lane. Owns what waits in front of them. */
import { setImmediate } from 'node:timers/promises';
import { ImError, type Lane } from '@im/protocol';
import { type Context, Push, XSubscriber } from 'zeromq';
import type { LinkTransport, NodeAddresses, OnPack, OpenLink } from '../link/link-transport.js';
import { COMMON, HIGH_WATER_MARK, READ_AT_ONCE, RECONNECT, SUBSCRIPTION_MARK } from './socket-options.js';

const LANES: readonly Lane[] = ['priority', 'normal'];
const SUBSCRIBE = '\x01';
const UNSUBSCRIBE = '\x00';

/** Of a process that publishes or subscribes: its own keys, and the public one of the nodes. Z85 text. */
export interface PeerKeys {
  readonly publicKey: string;
  readonly secretKey: string;
  readonly nodeKey: string;
}

export interface ZeromqLinkOptions {
  readonly keys?: PeerKeys | undefined;
  readonly context?: Context | undefined;
}

export function openZeromqLinks(options: ZeromqLinkOptions): OpenLink {
  return (addresses, onPack) => new ZeromqLink(addresses, onPack, options);
}

class ZeromqLink implements LinkTransport {
  readonly #openPush: (lane: Lane) => Push;
  readonly #pushes: Record<Lane, Push>;
  readonly #subscribers: Readonly<Record<Lane, XSubscriber>>;
  readonly #onPack: OnPack;
  /** What the node is to be told about what is wanted, in order. */
  readonly #topics: Readonly<Record<Lane, string[]>> = { normal: [], priority: [] };
  readonly #isTelling: Record<Lane, boolean> = { normal: false, priority: false };
  #isOpen = true;

  constructor(addresses: NodeAddresses, onPack: OnPack, { keys, context }: ZeromqLinkOptions) {
    const common = {
      ...COMMON,
      ...RECONNECT,
      ...(context !== undefined && { context }),
      ...(keys !== undefined && {
        curveServerKey: keys.nodeKey,
        curvePublicKey: keys.publicKey,
        curveSecretKey: keys.secretKey,
      }),
    };
    this.#onPack = onPack;
    this.#openPush = (lane) => {
      const push = new Push({
        ...common,
        sendHighWaterMark: HIGH_WATER_MARK[lane],
        // What cannot be sent waits here, where it can still be given up, not in a pipe to nobody.
        immediate: true,
      });
      push.connect(addresses.publish[lane]);
      return push;
    };
    const subscriber = (lane: Lane) =>
      new XSubscriber({
        ...common,
        sendHighWaterMark: SUBSCRIPTION_MARK,
        receiveHighWaterMark: HIGH_WATER_MARK[lane],
      });
    this.#pushes = { normal: this.#openPush('normal'), priority: this.#openPush('priority') };
    this.#subscribers = { normal: subscriber('normal'), priority: subscriber('priority') };
    for (const lane of LANES) {
      this.#subscribers[lane].connect(addresses.subscribe[lane]);
      void this.#receive(lane);
    }
  }

  async send(lane: Lane, pack: Buffer): Promise<void> {
    if (!this.#isOpen) throw new ImError('CLOSED');
    await this.#pushes[lane].send(pack);
  }

  subscribe(lane: Lane, topic: string): void {
    this.#tell(lane, SUBSCRIBE + topic);
  }

  unsubscribe(lane: Lane, topic: string): void {
    this.#tell(lane, UNSUBSCRIBE + topic);
  }

  abandon(lane: Lane): void {
    const abandoned = this.#pushes[lane];
    this.#pushes[lane] = this.#openPush(lane);
    abandoned.linger = 0;
    abandoned.close();
  }

  close(): void {
    this.#isOpen = false;
    for (const lane of LANES) {
      this.#topics[lane].length = 0;
      this.#pushes[lane].close();
      this.#subscribers[lane].close();
    }
  }

  #tell(lane: Lane, message: string): void {
    this.#topics[lane].push(message);
    if (!this.#isTelling[lane]) void this.#tellAll(lane);
  }

  async #tellAll(lane: Lane): Promise<void> {
    this.#isTelling[lane] = true;
    const topics = this.#topics[lane];
    try {
      for (let at = 0; at < topics.length; at++) {
        await this.#subscribers[lane].send(Buffer.from(topics[at] as string, 'latin1'));
        if ((at + 1) % 1_024 === 0) {
          topics.splice(0, at + 1);
          at = -1;
          await setImmediate();
        }
      }
    } catch {
      // Closed: nobody wants anything any more.
    }
    topics.length = 0;
    this.#isTelling[lane] = false;
  }

  /** The normal lane in slices, between which the other has its turn. */
  async #receive(lane: Lane): Promise<void> {
    const socket = this.#subscribers[lane];
    for (let read = 1; this.#isOpen; read++) {
      try {
        const [pack, shared] = await socket.receive();
        if (this.#isOpen && pack !== undefined) this.#onPack(lane, pack, shared);
        if (lane === 'normal' || read % READ_AT_ONCE === 0) await setImmediate();
      } catch {
        if (this.#isOpen) await setImmediate();
      }
    }
  }
}
