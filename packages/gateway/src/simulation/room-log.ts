/** What is published to one group, and what its log keeps of the priority lane. */
import type { Delivery, Position, Terms } from '@im/protocol';

/** Entries that are kept. */
const RETENTION = 60;

interface Chat {
  readonly by: number;
  /** Counts the normal messages of the group. */
  readonly number: number;
}

export interface Gift extends Delivery {
  readonly epoch: string;
  readonly version: number;
}

export class RoomLog {
  /** Normal messages so far. */
  chats = 0;
  #epoch = 1;
  #version = 0;
  #gifts: Gift[] = [];
  /** By body: deliveries may be made anew on the way. */
  readonly #chats = new WeakMap<Uint8Array, Chat>();

  constructor(readonly group: string) {}

  get head(): Position {
    return { epoch: `e${this.#epoch}`, version: this.#version };
  }

  chat(by: number, { bytes, terms, time }: { bytes: number; terms: Terms; time: number }): Delivery {
    this.chats += 1;
    const body = new Uint8Array(bytes);
    this.#chats.set(body, { by, number: this.chats });
    return { group: this.group, lane: 'normal', event: 'chat', body, time, terms };
  }

  chatOf({ body }: Delivery): Chat {
    const chat = this.#chats.get(body);
    if (chat === undefined) throw new Error('a message that nobody published');
    return chat;
  }

  gift(newEpoch: boolean, time: number): Gift {
    if (newEpoch) {
      this.#epoch += 1;
      this.#version = 0;
      this.#gifts = [];
    }
    this.#version += 1;
    const gift = {
      group: this.group,
      lane: 'priority',
      event: 'gift',
      body: new Uint8Array(100),
      time,
      ...this.head,
    } as const;
    this.#gifts.push(gift);
    if (this.#gifts.length > RETENTION) this.#gifts.shift();
    return gift;
  }

  /** Where somebody begins who has seen up to a position, and what follows it. */
  after(position: Position | undefined): {
    readonly begins: Position;
    readonly missed: boolean;
    readonly gifts: readonly Gift[];
  } {
    const { head } = this;
    if (position === undefined) return { begins: head, missed: false, gifts: [] };
    const oldest = (this.#gifts[0]?.version ?? head.version + 1) - 1;
    const isKept = position.epoch === head.epoch && position.version >= oldest;
    const begins = isKept ? position : { epoch: head.epoch, version: oldest };
    return { begins, missed: !isKept, gifts: this.#gifts.filter(({ version }) => version > begins.version) };
  }
}
