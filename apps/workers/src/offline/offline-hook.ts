/**
 * Owns: that messages for people who may not be connected are told: put into the outbox before they are acknowledged, told by whichever worker's
 * turn it is. Must not know conversations.
 */
import { randomUUID } from 'node:crypto';
import { MAX_AGE_MS } from './offline-queue.js';
import { OfflineTeller, type OfflineTellerOptions } from './offline-teller.js';
import { Outbox, type OutboxMessage, type OutboxPlace } from './outbox.js';
import { OutboxTeller } from './outbox-teller.js';
import { OutboxTurn } from './outbox-turn.js';

export interface OfflineHookOptions extends OfflineTellerOptions {
  /** Whether events carry the beginning of the text. */
  readonly preview: boolean;
  /** Where they are kept until they are told: in this cell, by all its workers. */
  readonly outbox: OutboxPlace;
}

export interface OfflineMessage extends Omit<OutboxMessage, 'preview'> {
  readonly text: string;
}

/** Characters of a preview. */
const PREVIEW = 100;
/** Receivers of one message that are told of; nobody sends mobile pushes to all of a larger group. */
export const MAX_TOLD = 500;

export class OfflineHook {
  readonly #options: OfflineHookOptions;
  readonly #outbox: Outbox;
  readonly #teller: OutboxTeller;

  constructor(options: OfflineHookOptions) {
    const { outbox, clock, logger, metrics } = options;
    this.#options = options;
    this.#outbox = new Outbox(outbox, clock);
    const turn = new OutboxTurn(outbox.records, randomUUID(), clock);
    const telling = new OfflineTeller(options);
    this.#teller = new OutboxTeller({ outbox: this.#outbox, turn, telling, clock, logger, metrics });
  }

  /**
   * A message for these people is stored. Settles when it is durable that they are to be told of it; where it was before that changes nothing.
   * @throws ImError as Publisher.publish
   */
  async message({ text, to, ...message }: OfflineMessage): Promise<void> {
    const { preview, clock } = this.#options;
    if (to.length === 0 || clock.now() - message.at >= MAX_AGE_MS) return;
    const beginning = preview ? { preview: [...text].slice(0, PREVIEW).join('') } : {};
    await this.#outbox.add({ ...message, ...beginning, to: to.slice(0, MAX_TOLD) });
    this.#teller.wake();
  }

  /** What is not told by then another worker tells. */
  close(graceMs: number): Promise<void> {
    return this.#teller.close(graceMs);
  }
}
