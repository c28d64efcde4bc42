/**
 * The publishing half of an engine on a pub/sub server: versions from the sequencer, in the order of the calls, then out.
 * There is no node process: each publishing process does this for its own messages. Must not know links.
 */
import { ImError, type Publication } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { ActiveHeads } from '../active-heads.js';
import type { Sequenced, Sequencer } from '../broadcast.js';
import { LogPassage, type Outcome, type Place } from '../memory/log-passage.js';
import type { Outbox } from './outbox.js';
import type { PubSubFigures } from './pubsub-figures.js';

export interface PubSubNodeOptions {
  readonly sequencer: Sequencer;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly figures: PubSubFigures;
  /** Priority messages from publishing until the server has them; beyond, publishers are refused. */
  readonly maxPriorityMessages: number;
  /** Of their bodies. */
  readonly maxPriorityBytes: number;
}

export interface PublishingMany {
  readonly refused: ReadonlyMap<string, Error>;
  /** Settles when the server has all that the log took. */
  readonly outcomes: Promise<ReadonlyMap<string, Outcome>>;
}

export class PubSubNode {
  readonly #options: PubSubNodeOptions;
  readonly #heads: ActiveHeads;
  readonly #passage: LogPassage;
  /** Settles when the server has it: of those under way. */
  readonly #leaving = new Map<Place, () => void>();

  constructor(options: PubSubNodeOptions) {
    const { clock, outbox, figures, maxPriorityMessages, maxPriorityBytes } = options;
    this.#options = options;
    this.#passage = new LogPassage({
      maxMessages: maxPriorityMessages,
      maxBytes: maxPriorityBytes,
      figures,
      release: (place) => this.#released(place),
    });
    this.#heads = new ActiveHeads({ clock, onHead: (group, position) => outbox.head(group, position) });
  }

  get priorityMessages(): number {
    return this.#passage.messages;
  }

  get priorityBytes(): number {
    return this.#passage.bytes;
  }

  get heads(): number {
    return this.#heads.size;
  }

  /**
   * Settles when the server has it; undefined when it was dropped, which is counted and told.
   * @throws ImError at once, when nothing was taken and `mustArrive`: UNAVAILABLE, QUEUE_FULL; later DISCONNECTED
   */
  publishNormal(group: string, publication: Publication, mustArrive: boolean): Promise<void> | undefined {
    const { figures, outbox } = this.#options;
    const taken = outbox.normal(group, publication, mustArrive);
    figures.publishedNormal.add();
    return taken?.promise;
  }

  /**
   * Gives a priority message its version; settles when the server has it too. Rejects with what the sequencer throws.
   * @throws ImError at once, when nothing was taken: UNAVAILABLE, QUEUE_FULL
   */
  publishPriority(group: string, publication: Publication): Promise<Sequenced> {
    if (!this.#options.outbox.isUp) throw away();
    return this.#append(this.#passage.enter(group, publication, publication.body.length));
  }

  /** As {@link publishPriority}, for distinct groups: those there was no room for at once, the others' outcomes later. */
  publishPriorityToMany(groups: readonly string[], publication: Publication): PublishingMany {
    if (!this.#options.outbox.isUp) {
      return { refused: new Map(groups.map((group) => [group, away()])), outcomes: Promise.resolve(new Map()) };
    }
    const { places, refused } = this.#passage.enterEach(groups, publication);
    return { refused, outcomes: this.#appendMany(places, publication) };
  }

  close(): void {
    this.#heads.close();
  }

  async #append(place: Place): Promise<Sequenced> {
    const left = this.#leaves(place);
    try {
      const sequenced = await this.#options.sequencer.append(place.group, place.publication);
      this.#passage.settle(place, sequenced);
      await left;
      return sequenced;
    } catch (error) {
      this.#passage.settle(place, undefined);
      throw ImError.wrap(error);
    }
  }

  async #appendMany(places: readonly Place[], publication: Publication): Promise<ReadonlyMap<string, Outcome>> {
    if (places.length === 0) return new Map();
    const left = places.map((place) => this.#leaves(place));
    const groups = places.map(({ group }) => group);
    let appended: ReadonlyMap<string, Outcome>;
    try {
      appended = await this.#options.sequencer.appendMany(groups, publication);
    } catch (error) {
      const reason = ImError.wrap(error);
      appended = new Map(groups.map((group) => [group, reason]));
    }
    for (const place of places) {
      const outcome = appended.get(place.group);
      this.#passage.settle(place, outcome instanceof Error ? undefined : outcome);
    }
    await Promise.all(left);
    return appended;
  }

  #leaves(place: Place): Promise<void> {
    return new Promise((resolve) => this.#leaving.set(place, resolve));
  }

  #released(place: Place): void {
    const { group, publication, sequenced } = place;
    const { figures, outbox } = this.#options;
    if (sequenced === undefined) {
      figures.failed.add();
      this.#left(place);
      return;
    }
    // Also for a duplicate: its first may have been versioned without having gone out.
    this.#heads.note(group, sequenced);
    if (sequenced.duplicate) {
      figures.duplicates.add();
      this.#left(place);
      return;
    }
    void outbox.priority(group, publication, sequenced).promise.then(() => this.#left(place));
  }

  #left(place: Place): void {
    this.#passage.leave(place);
    this.#leaving.get(place)?.();
    this.#leaving.delete(place);
  }
}

function away(): ImError {
  return new ImError('UNAVAILABLE', { message: 'the message bus cannot be reached; try again later' });
}
