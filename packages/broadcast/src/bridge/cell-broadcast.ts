/**
 * All cells as one broadcast: each group is published and subscribed in its home, here or over bridges. Must not know how cells
 * are reached.
 */
import { ImError, type Publication } from '@im/protocol';
import type {
  Broadcast,
  Published,
  PublishedMany,
  Publisher,
  PublishOptions,
  Subscriber,
  SubscriberHandlers,
} from '../broadcast.js';
import type { Homes } from './homes.js';

export interface CellBroadcastOptions {
  readonly homes: Homes;
  /** By name, this one among them: all that `homes` names. */
  readonly cells: ReadonlyMap<string, Broadcast>;
}

/** Closing it closes those it was given. @throws ImError CONFIG_INVALID for a home that is not among the cells */
export function createCellBroadcast({ homes, cells }: CellBroadcastOptions): Broadcast {
  const unknown = homes.cells.find((cell) => !cells.has(cell));
  if (unknown !== undefined) {
    throw new ImError('CONFIG_INVALID', { message: `there is no way to cell ${unknown}, which is the home of groups` });
  }
  return {
    createPublisher: () => new CellPublisher(homes, cells),
    createSubscriber: (handlers) => new CellSubscriber(homes, cells, handlers),
    close: async () => {
      await Promise.all([...cells.values()].map((broadcast) => broadcast.close()));
    },
  };
}

class CellPublisher implements Publisher {
  readonly #homes: Homes;
  readonly #publishers: ReadonlyMap<string, Publisher>;

  constructor(homes: Homes, cells: ReadonlyMap<string, Broadcast>) {
    this.#homes = homes;
    this.#publishers = new Map([...cells].map(([cell, broadcast]) => [cell, broadcast.createPublisher()]));
  }

  publish(group: string, publication: Publication, options?: PublishOptions): Promise<Published> {
    return this.#of(this.#homes.homeOf(group)).publish(group, publication, options);
  }

  async publishMany(
    groups: readonly string[],
    publication: Publication,
    options?: PublishOptions,
  ): Promise<PublishedMany> {
    const byCell = new Map<string, string[]>();
    for (const group of groups) {
      const cell = this.#homes.homeOf(group);
      const own = byCell.get(cell);
      if (own === undefined) byCell.set(cell, [group]);
      else own.push(group);
    }
    const parts = [...byCell];
    const outcomes = await Promise.allSettled(
      parts.map(([cell, own]) => this.#of(cell).publishMany(own, publication, options)),
    );
    const published: Published[] = [];
    const failed = new Map<string, Error>();
    outcomes.forEach((outcome, index) => {
      if (outcome.status === 'fulfilled') {
        published.push(...outcome.value.published);
        for (const [group, error] of outcome.value.failed) failed.set(group, error);
      } else for (const group of parts[index]?.[1] ?? []) failed.set(group, ImError.wrap(outcome.reason));
    });
    const first = outcomes.find(({ status }) => status === 'rejected');
    if (first?.status === 'rejected' && outcomes.every(({ status }) => status === 'rejected')) throw first.reason;
    return { published, failed };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#publishers.values()].map((publisher) => publisher.close()));
  }

  #of(cell: string): Publisher {
    return this.#publishers.get(cell) as Publisher;
  }
}

class CellSubscriber implements Subscriber {
  readonly #homes: Homes;
  readonly #subscribers: ReadonlyMap<string, Subscriber>;

  constructor(homes: Homes, cells: ReadonlyMap<string, Broadcast>, handlers: SubscriberHandlers) {
    this.#homes = homes;
    this.#subscribers = new Map([...cells].map(([cell, broadcast]) => [cell, broadcast.createSubscriber(handlers)]));
  }

  subscribe(group: string): void {
    this.#of(group).subscribe(group);
  }

  unsubscribe(group: string): void {
    this.#of(group).unsubscribe(group);
  }

  async settled(): Promise<void> {
    await Promise.all([...this.#subscribers.values()].map((subscriber) => subscriber.settled()));
  }

  async close(): Promise<void> {
    await Promise.all([...this.#subscribers.values()].map((subscriber) => subscriber.close()));
  }

  #of(group: string): Subscriber {
    return this.#subscribers.get(this.#homes.homeOf(group)) as Subscriber;
  }
}
