/** The two sockets to one manager. Owns what becomes of messages that cannot be sent: the next heartbeat stands for them. */
import type { Clock, Logger } from '@im/protocol/ports';
import { type Context, Push, Subscriber } from 'zeromq';
import type { RefusalReason } from '../manager/node-table.js';
import { type Beat, decodeManagerMessage, MAX_TOPOLOGY_BYTES, type Published } from '../wire/manager-messages.js';
import { commonOptions, READ_AT_ONCE, RECONNECT, TO_ONE_PEER } from './socket-options.js';
import type { ManagerAddress } from './zeromq-manager.js';

/** Of a member: its own keys, and the public one of the managers. Z85 text. */
export interface MemberKeys {
  readonly publicKey: string;
  readonly secretKey: string;
  readonly managerKey: string;
}

export interface ManagerLinkOptions {
  readonly address: ManagerAddress;
  readonly keys: MemberKeys | undefined;
  readonly context: Context | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  onMessage(message: Published | Beat, link: ManagerLink): void;
  onForeign(): void;
}

const RETRY_AFTER_ERROR_MS = 10;
/** How long a farewell may wait for the socket to take it. */
const BYE_MS = 100;

export class ManagerLink {
  /** Why this manager does not let the node in, if it does not. */
  refusal: RefusalReason | undefined;
  readonly #options: ManagerLinkOptions;
  readonly #push: Push;
  readonly #subscriber: Subscriber;
  #sending: Promise<void> | undefined;
  #isOpen = true;

  constructor(options: ManagerLinkOptions) {
    const { address, keys, context } = options;
    this.#options = options;
    const common = {
      ...commonOptions(MAX_TOPOLOGY_BYTES, context),
      ...RECONNECT,
      ...(keys !== undefined && {
        curveServerKey: keys.managerKey,
        curvePublicKey: keys.publicKey,
        curveSecretKey: keys.secretKey,
      }),
    };
    this.#push = new Push({
      ...common,
      sendHighWaterMark: TO_ONE_PEER,
      // Only to a manager that is there: what is old when it comes back says nothing.
      immediate: true,
    });
    this.#subscriber = new Subscriber({ ...common, receiveHighWaterMark: TO_ONE_PEER });
    this.#push.connect(address.heartbeats);
    this.#subscriber.subscribe();
    this.#subscriber.connect(address.topology);
    void this.#receive();
  }

  /** At most one message waits for a manager that is away: it is the newest when that comes back within an interval. */
  send(bytes: Buffer): void {
    if (!this.#isOpen || this.#sending !== undefined) return;
    this.#sending = this.#send(bytes).finally(() => {
      this.#sending = undefined;
    });
  }

  /** Asks for the topology: whoever subscribes gets it. */
  ask(): void {
    if (!this.#isOpen) return;
    this.#subscriber.unsubscribe();
    this.#subscriber.subscribe();
  }

  /** @param bye said if the manager is there */
  async close(bye: Buffer | undefined): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (bye !== undefined && this.#sending === undefined) await this.#within(BYE_MS, this.#send(bye));
    this.#push.close();
    this.#subscriber.close();
  }

  async #within(delayMs: number, settling: Promise<void>): Promise<void> {
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      const timer = this.#options.clock.after(delayMs, resolve);
      cancel = () => timer.cancel();
    });
    await Promise.race([settling, late]);
    cancel();
  }

  async #send(bytes: Buffer): Promise<void> {
    try {
      await this.#push.send(bytes);
    } catch (error) {
      if (this.#isOpen) this.#options.logger.error('a heartbeat could not be sent', { error });
    }
  }

  async #receive(): Promise<void> {
    for (let read = 1; this.#isOpen; read++) {
      try {
        const frames = await this.#subscriber.receive();
        const [frame] = frames;
        const message = frames.length === 1 && frame !== undefined ? decodeManagerMessage(frame) : undefined;
        if (!this.#isOpen) return;
        if (message === undefined) this.#options.onForeign();
        else this.#options.onMessage(message, this);
        if (read % READ_AT_ONCE === 0) await new Promise<void>((resolve) => setImmediate(resolve));
      } catch (error) {
        if (!this.#isOpen) return;
        this.#options.logger.error('the topology could not be read', { error });
        await new Promise<void>((resolve) => this.#options.clock.after(RETRY_AFTER_ERROR_MS, resolve));
      }
    }
  }
}
