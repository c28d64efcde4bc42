/** A backend that pushes, a broadcast node, and what gateways do with what comes, each a process of its own. */
import path from 'node:path';
import type { NodeAddresses } from '@im/broadcast/zeromq';
import { ControlledProcess } from '../harness/control.js';
import { nodeAt } from '../harness/cores.js';
import { type RedisServer, startRedisServer } from '../harness/redis-server.js';
import { ServerProcess } from '../harness/server-process.js';
import { CountingRelay } from './counting-relay.js';
import type { Done, PushCommand, ReceiverCommand } from './multicast-commands.js';

const FOLDER = 'systems/im-multicast';

export interface ChainOptions {
  /** Where the node has its logs. */
  readonly log: 'memory' | 'redis';
  /** Counts what goes over the bus; costs the kernel time. */
  readonly counts: boolean;
}

interface Stoppable {
  stop(): Promise<void>;
}

export class MulticastChain {
  readonly #parts: Stoppable[] = [];
  readonly #relay = new CountingRelay();
  #pusher!: ControlledProcess<PushCommand, Done>;
  #receiver!: ControlledProcess<ReceiverCommand, Done>;
  #node!: ServerProcess;
  #redis: RedisServer | undefined;

  private constructor() {}

  /** @throws Error when a part does not start; nothing is left then */
  static async start(options: ChainOptions): Promise<MulticastChain> {
    const chain = new MulticastChain();
    try {
      await chain.#start(options);
      return chain;
    } catch (error) {
      await chain.stop();
      throw error;
    }
  }

  /** Pusher, node, receiver, and Redis where it has the logs. */
  get pids(): readonly number[] {
    const own = [this.#pusher.pid, this.#node.pid, this.#receiver.pid];
    return this.#redis === undefined ? own : [...own, this.#redis.process.pid];
  }

  /** Over the bus so far, in all directions. */
  get bytes(): number {
    return this.#relay.bytes;
  }

  async subscribe(users: number): Promise<void> {
    await this.#receiver.ask({ do: 'subscribe', users });
  }

  /** Settles when all were acknowledged and all have arrived. */
  async push(command: PushCommand): Promise<void> {
    const arrived = this.#receiver.ask({ do: 'expect', messages: command.users * command.rounds });
    await Promise.all([this.#pusher.ask(command), arrived]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.stop()));
    await this.#relay.close();
  }

  async #start({ log, counts }: ChainOptions): Promise<void> {
    if (log === 'redis') {
      this.#redis = await startRedisServer({ place: 'anywhere' });
      this.#parts.push(this.#redis);
    }
    const file = path.join(import.meta.dirname, FOLDER, 'node.js');
    const reach = JSON.stringify({ redis: this.#redis?.port });
    this.#node = new ServerProcess([...nodeAt('anywhere'), file, reach], 'anywhere');
    this.#parts.push(this.#node);
    const addresses = (await this.#node.answer()) as unknown as NodeAddresses;
    const node = counts ? await this.#relay.before(addresses) : addresses;
    const options = { place: 'anywhere', args: [JSON.stringify(node)] } as const;
    this.#pusher = new ControlledProcess(`${FOLDER}/pusher.js`, options);
    this.#receiver = new ControlledProcess(`${FOLDER}/receiver.js`, options);
    this.#parts.push(this.#pusher, this.#receiver);
  }
}
