/**
 * Owns: what is to be told of people who may not be connected, as a log: one entry a message, with all its receivers, kept until it is told
 * or too old. A message that is put in again is not there twice. Must not know who tells it.
 */
import type { Publisher } from '@im/broadcast';
import type { Clock } from '@im/protocol/ports';
import { decodeJson, encodeJson } from '@im/rpc';
import type { Entry, Head, LogReader, Page, RecordStore } from '@im/timeline';
import { z } from 'zod';
import type { OfflineEvent } from './offline-event.js';

/** Of this cell, all products together: nobody joins it. Its records say how far it was told. */
export const OUTBOX = 'offline:outbox';
const EVENT = 'message';
const PAGE = 200;

export interface OutboxPlace {
  readonly publisher: Publisher;
  readonly log: LogReader;
  readonly records: RecordStore;
}

export interface OutboxMessage extends Omit<OfflineEvent, 'user' | 'unread'> {
  /** Who is to hear of it, and up to which version nothing of the conversation is theirs to see. */
  readonly to: readonly (readonly [user: string, since: number])[];
}

const outboxMessage = z.object({
  id: z.string(),
  product: z.string().optional(),
  conversation: z.string(),
  version: z.number(),
  from: z.object({ user: z.string(), name: z.string() }),
  preview: z.string().optional(),
  at: z.number(),
  to: z.array(z.tuple([z.string(), z.number()])).min(1),
});

export class Outbox {
  readonly #place: OutboxPlace;
  readonly #clock: Clock;

  constructor(place: OutboxPlace, clock: Clock) {
    this.#place = place;
    this.#clock = clock;
  }

  /** Settles when it is durable. @throws ImError as Publisher.publish */
  async add(message: OutboxMessage): Promise<void> {
    const time = this.#clock.now();
    const entry = { lane: 'priority', event: EVENT, body: encodeJson(message), id: message.id, time } as const;
    await this.#place.publisher.publish(OUTBOX, entry, { acknowledge: 'durable' });
  }

  /** @throws ImError as LogReader.head */
  head(): Promise<Head> {
    return this.#place.log.head(OUTBOX);
  }

  /** @throws ImError as LogReader.read */
  read(after: number): Promise<Page> {
    return this.#place.log.read(OUTBOX, { after, limit: PAGE });
  }
}

/** Undefined: somebody else wrote it. */
export function messageOf({ event, body }: Entry): OutboxMessage | undefined {
  if (event !== EVENT) return undefined;
  try {
    return outboxMessage.safeParse(decodeJson(body)).data as OutboxMessage | undefined;
  } catch {
    return undefined;
  }
}
