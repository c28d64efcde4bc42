/** Owns: one simulated viewer: a client of the SDK like any other. */
import { randomUUID } from 'node:crypto';
import { type Client, createClient, type Room } from '@im/client-sdk';
import type { Logger, Random } from '@im/runtime';
import { GIFTS, type GiftBody } from '@im/workers';
import { WebSocket } from 'ws';
import type { Viewer } from './crowd.js';
import { chatLine, giftCheer } from './phrases.js';
import { pick } from './seeded-random.js';

export interface BotOptions {
  readonly url: string;
  readonly room: string;
  readonly token: () => Promise<string>;
  readonly device: string;
  readonly logger: Logger;
  /** Told of every gift seen; for one bot of a crowd. */
  readonly onGift?: (gift: GiftBody) => void;
}

/** Dear gifts are rare: each costs this many times less often than the one before. */
const RARITY = 2.6;

export class Bot implements Viewer {
  readonly #options: BotOptions;
  readonly #client: Client;
  #room: Room<Record<string, unknown>, unknown> | undefined;

  constructor(options: BotOptions) {
    this.#options = options;
    this.#client = createClient({
      url: options.url,
      token: options.token,
      device: options.device,
      platform: 'bot',
      WebSocket,
    });
    this.#client.on('error', (error) => options.logger.debug('a bot had an error', { error }));
  }

  async come(): Promise<void> {
    this.#client.connect();
    const room = await this.#client.enter(this.#options.room);
    const { onGift } = this.#options;
    // The client keeps its rooms while it is closed.
    if (onGift !== undefined && room !== this.#room) room.on('gift', (gift) => onGift(gift as GiftBody));
    this.#room = room;
  }

  /** Closes the page, as people do. */
  go(): void {
    this.#client.close();
  }

  say(random: Random): void {
    this.#call('chat.send', { text: chatLine(random) });
  }

  cheer(name: string, random: Random): void {
    this.#call('chat.send', { text: giftCheer(name, random) });
  }

  like(random: Random): void {
    this.#call('room.like', { count: 1 + Math.floor(random() ** 2 * 15) }, randomUUID());
  }

  give(random: Random): void {
    const dearest = GIFTS.length - 1;
    const index = Math.min(dearest, Math.floor(-Math.log(1 - random()) / Math.log(RARITY)));
    const count = index < 2 ? pick([1, 1, 1, 3, 10, 66], random) : 1;
    this.#call('gift.send', { gift: GIFTS[index]?.gift, count }, randomUUID());
  }

  #call(method: string, data: object, key?: string): void {
    const call = this.#client.call(
      method,
      { room: this.#options.room, ...data },
      { ...(key !== undefined && { key }) },
    );
    call.catch((error: unknown) => this.#options.logger.debug('a bot was refused', { method, error }));
  }
}
