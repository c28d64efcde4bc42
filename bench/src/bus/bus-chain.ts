/** A running bus: publisher, what is between, and subscriber, each a process of its own, on whatever core the kernel gives them. */
import path from 'node:path';
import { ControlledProcess } from '../harness/control.js';
import { nodeAt } from '../harness/cores.js';
import { ServerProcess } from '../harness/server-process.js';
import type {
  GiftsCommand,
  PublisherCommand,
  PublisherReply,
  SubscriberCommand,
  SubscriberReply,
} from './bus-commands.js';
import type { BusSystem } from './bus-systems.js';

interface Between {
  readonly pid: number;
  /** What publisher and subscriber need to know. */
  readonly reach: object;
  stop(): Promise<void>;
}

export class BusChain {
  readonly publisher: ControlledProcess<PublisherCommand, PublisherReply>;
  readonly subscriber: ControlledProcess<SubscriberCommand, SubscriberReply>;
  readonly #between: Between;
  readonly #folder: string;
  readonly #givers: ControlledProcess<GiftsCommand, PublisherReply>[] = [];

  private constructor(folder: string, between: Between, leftovers: boolean) {
    const options = { place: 'anywhere', args: [JSON.stringify(between.reach)] } as const;
    this.#between = between;
    this.#folder = folder;
    this.publisher = new ControlledProcess(`${folder}/publisher.js`, { ...options, leftovers });
    this.subscriber = new ControlledProcess(`${folder}/subscriber.js`, options);
  }

  /** @param leftovers whether the publisher gets only what the others leave of the processor */
  static async start({ folder, server }: BusSystem, { leftovers = false } = {}): Promise<BusChain> {
    if (server === undefined) return new BusChain(folder, await startNode(folder), leftovers);
    const { process, port, stop } = await server();
    return new BusChain(folder, { pid: process.pid, reach: { port }, stop }, leftovers);
  }

  /** Publisher, between, subscriber. */
  get pids(): readonly number[] {
    return [this.publisher.pid, this.#between.pid, this.subscriber.pid];
  }

  /** One more publisher, for the priority lane. */
  startGiver(): ControlledProcess<GiftsCommand, PublisherReply> {
    const options = { place: 'anywhere', args: [JSON.stringify(this.#between.reach)] } as const;
    const giver = new ControlledProcess<GiftsCommand, PublisherReply>(`${this.#folder}/gifts.js`, options);
    this.#givers.push(giver);
    return giver;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#givers.map((giver) => giver.stop()));
    await Promise.all([this.publisher.stop(), this.subscriber.stop(), this.#between.stop()]);
  }
}

async function startNode(folder: string): Promise<Between> {
  const file = path.join(import.meta.dirname, folder, 'node.js');
  const process_ = new ServerProcess([...nodeAt('anywhere'), file], 'anywhere');
  try {
    return { pid: process_.pid, reach: await process_.answer(), stop: () => process_.stop() };
  } catch (error) {
    await process_.stop();
    throw error;
  }
}
