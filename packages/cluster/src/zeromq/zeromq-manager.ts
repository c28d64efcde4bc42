/** A node manager on ZeroMQ: a PULL for what members say, an XPUB for the topology. */
import { randomUUID } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import {
  type Clock,
  type Counter,
  type Logger,
  type Metrics,
  noMetrics,
  silentLogger,
  type Timer,
} from '@im/protocol/ports';
import { type Context, Pull, XPublisher } from 'zeromq';
import { DEFAULT_INTERVAL_MS, MISSED_INTERVALS } from '../heartbeat.js';
import { ManagerCore } from '../manager/manager-core.js';
import type { NodeManager } from '../manager/node-manager.js';
import { SWEEP_MS } from '../manager/node-table.js';
import { type Beat, encodeManagerMessage, MAX_NODES, type Published } from '../wire/manager-messages.js';
import { decodeMemberMessage, MAX_HEARTBEAT_BYTES } from '../wire/member-messages.js';
import { bind, refuseRemote } from './bind.js';
import { commonOptions, HEARTBEATS_UNDER_WAY, READ_AT_ONCE, RECONNECTED_MS, TO_ONE_PEER } from './socket-options.js';

/** Where members reach a manager. */
export interface ManagerAddress {
  /** They push there. */
  readonly heartbeats: string;
  /** They subscribe there. */
  readonly topology: string;
}

export interface NodeManagerOptions {
  /** Name of this manager; several have different ones. */
  readonly id: string;
  /** Where to listen: `tcp://127.0.0.1:7601`, `ipc://…`, `inproc://…`; port `*` takes a free one. */
  readonly listen: ManagerAddress;
  /** From one sign of life to the next, in milliseconds. Default 1,000. */
  readonly intervalMs?: number;
  /**
   * How long it listens before it publishes for the first time. Default: two intervals, and 500 for members to
   * connect again.
   */
  readonly warmUpMs?: number;
  /** How long the loss of more than half of the nodes is held back. Default 60,000. */
  readonly holdMs?: number;
  /** Default and most 1,024. */
  readonly maxNodes?: number;
  /** What the journal remembers. Default 1,000. */
  readonly journalEntries?: number;
  /**
   * Everything is encrypted, and members must prove who they are: whom the ZAP handler of `context` lets in (rfc.zeromq.org 27;
   * `createGuardedContext` of @im/rpc/zeromq makes one). Without keys it binds to this host only. Z85 text.
   */
  readonly keys?: { readonly secretKey: string } | undefined;
  /** Binds beyond this host without keys: anybody who reaches the ports may say that nodes come and go. */
  readonly insecure?: boolean | undefined;
  readonly context?: Context | undefined;
  readonly clock?: Clock;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
}

export interface ZeromqNodeManager extends NodeManager {
  /** With the ports that were chosen. */
  readonly address: ManagerAddress;
  close(): Promise<void>;
}

const TICK_MS = 100;
const FOREIGN_LOG_MS = 60_000;
const RETRY_AFTER_ERROR_MS = 10;
const SUBSCRIBE = 1;

/** Settles when members can reach it. @throws ImError CONFIG_INVALID for an address that must not be bound, or cannot be */
export async function createNodeManager(options: NodeManagerOptions): Promise<ZeromqNodeManager> {
  const { listen, keys, insecure = false } = options;
  if (keys === undefined && !insecure)
    for (const address of [listen.heartbeats, listen.topology]) refuseRemote(address);
  const { maxNodes = MAX_NODES } = options;
  if (maxNodes > MAX_NODES) throw new ImError('CONFIG_INVALID', { message: `maxNodes is at most ${MAX_NODES}` });
  const sockets = new ManagerSockets(options);
  try {
    return await sockets.open();
  } catch (error) {
    await sockets.close();
    throw error;
  }
}

class ManagerSockets {
  readonly #options: NodeManagerOptions;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #core: ManagerCore;
  readonly #pull: Pull;
  readonly #publisher: XPublisher;
  readonly #foreign: Counter;
  readonly #intervalMs: number;
  #foreignCount = 0;
  #foreignLoggedAt = -Infinity;
  #timers: Timer[] = [];
  #isSending = false;
  /** What is to go out next: the newest topology stands for all before it. */
  #topology: Published | undefined;
  #beat: Beat | undefined;
  #isOpen = true;

  constructor(options: NodeManagerOptions) {
    const { id, intervalMs = DEFAULT_INTERVAL_MS, keys, context } = options;
    const { clock = systemClock, logger = silentLogger, metrics = noMetrics } = options;
    this.#options = options;
    this.#clock = clock;
    this.#logger = logger;
    this.#intervalMs = intervalMs;
    this.#core = new ManagerCore({
      ...{ id, intervalMs, clock, logger, metrics },
      incarnation: randomUUID(),
      newId: randomUUID,
      warmUpMs: options.warmUpMs ?? RECONNECTED_MS + 2 * intervalMs,
      holdMs: options.holdMs ?? 60_000,
      gatherMs: intervalMs,
      lossWindowMs: 2 * (MISSED_INTERVALS + 1) * intervalMs,
      maxNodes: options.maxNodes ?? MAX_NODES,
      journalEntries: options.journalEntries ?? 1_000,
    });
    this.#foreign = metrics.counter('im_cluster_foreign_messages_total', {
      help: 'Messages at the port for heartbeats that no member sends.',
    });
    const common = {
      ...commonOptions(MAX_HEARTBEAT_BYTES, context),
      ...(keys !== undefined && { curveServer: true, curveSecretKey: keys.secretKey, zapDomain: 'im' }),
    };
    this.#pull = new Pull({ ...common, receiveHighWaterMark: HEARTBEATS_UNDER_WAY });
    this.#publisher = new XPublisher({
      ...common,
      sendHighWaterMark: TO_ONE_PEER,
      // Also those that are known: whoever comes late asks by subscribing to what others have subscribed.
      verbosity: 'allSubs',
    });
  }

  async open(): Promise<ZeromqNodeManager> {
    const { listen } = this.#options;
    const address = {
      heartbeats: await bind(this.#pull, listen.heartbeats),
      topology: await bind(this.#publisher, listen.topology),
    };
    void this.#receiveHeartbeats();
    void this.#receiveSubscriptions();
    this.#each(TICK_MS, () => this.#publish(this.#core.tick()));
    this.#each(SWEEP_MS, () => this.#core.sweep());
    this.#each(this.#intervalMs, () => this.#sendBeat());
    const core = this.#core;
    /** Nobody waits for the next beat to hear of it. */
    const told = <Order>(order: Order): Order => {
      this.#sendBeat();
      return order;
    };
    return {
      address,
      topology: () => core.topology(),
      status: () => core.status(),
      journal: () => core.journal(),
      release: () => core.release(),
      drain: (request) => told(core.drain(request)),
      keep: (node) => told(core.keep(node)),
      close: () => this.close(),
    };
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    for (const timer of this.#timers) timer.cancel();
    // Not unbound before: libzmq 4.3.5 may end the process when peers leave at that moment. So an address is free a little later.
    this.#pull.close();
    this.#publisher.close();
  }

  #each(delayMs: number, run: () => void): void {
    const index = this.#timers.length;
    const start = (): void => {
      this.#timers[index] = this.#clock.after(delayMs, () => {
        run();
        start();
      });
    };
    start();
  }

  #sendBeat(): void {
    this.#beat = this.#core.beat();
    void this.#send();
  }

  #publish(topology: Published | undefined): void {
    if (topology === undefined) return;
    this.#topology = topology;
    void this.#send();
  }

  /** One send at a time. */
  async #send(): Promise<void> {
    if (this.#isSending) return;
    this.#isSending = true;
    while (this.#isOpen) {
      const message = this.#topology ?? this.#beat;
      if (message === undefined) break;
      if (message === this.#topology) this.#topology = undefined;
      else this.#beat = undefined;
      try {
        await this.#publisher.send(encodeManagerMessage(message));
      } catch (error) {
        if (this.#isOpen) this.#logger.error('the topology could not be published', { error });
        break;
      }
    }
    this.#isSending = false;
  }

  async #receiveHeartbeats(): Promise<void> {
    for (let read = 1; this.#isOpen; read++) {
      try {
        const frames = await this.#pull.receive();
        const [frame] = frames;
        const message = frames.length === 1 && frame !== undefined ? decodeMemberMessage(frame) : undefined;
        if (message === undefined) this.#countForeign(frame);
        else this.#core.take(message);
        if (read % READ_AT_ONCE === 0) await setImmediate();
      } catch (error) {
        await this.#failed('a heartbeat could not be read', error);
      }
    }
  }

  /** Whoever subscribes gets the topology at once; many at a time get it together, with the next tick. */
  async #receiveSubscriptions(): Promise<void> {
    let answer: Timer | undefined;
    for (let read = 1; this.#isOpen; read++) {
      try {
        const [bytes] = await this.#publisher.receive();
        if (bytes?.[0] === SUBSCRIBE && answer === undefined) {
          answer = this.#clock.after(TICK_MS / 2, () => {
            answer = undefined;
            if (this.#isOpen) this.#publish(this.#core.latest());
          });
        }
        if (read % READ_AT_ONCE === 0) await setImmediate();
      } catch (error) {
        await this.#failed('a subscription could not be read', error);
      }
    }
    answer?.cancel();
  }

  #countForeign(frame: Buffer | undefined): void {
    this.#foreign.add();
    this.#foreignCount++;
    const now = this.#clock.monotonic();
    if (now - this.#foreignLoggedAt < FOREIGN_LOG_MS) return;
    this.#foreignLoggedAt = now;
    this.#logger.warn('what came at the port for heartbeats is none: does another program talk to it?', {
      count: this.#foreignCount,
      bytes: frame?.length,
    });
    this.#foreignCount = 0;
  }

  async #failed(what: string, error: unknown): Promise<void> {
    if (!this.#isOpen) return;
    this.#logger.error(what, { error });
    await new Promise<void>((resolve) => this.#clock.after(RETRY_AFTER_ERROR_MS, resolve));
  }
}
