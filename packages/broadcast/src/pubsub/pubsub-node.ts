/**
 * The publishing half of an engine on a pub/sub server: versions from the sequencer, in the order of the calls, then out.
 * There is no node process: each publishing process does this for its own messages. Must not know links.
 */
import { ImError, type Publication } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { ActiveHeads } from '../active-heads.js';
import type { Sequenced, Sequencer } from '../broadcast.js';
import { CallOrder, type Place } from '../memory/call-order.js';
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

/** What became of one append. */
type Outcome = Sequenced | Error;

export interface PublishingMany {
  readonly refused: ReadonlyMap<string, Error>;
  /** Settles when the server has all that the log took. */
  readonly outcomes: Promise<ReadonlyMap<string, Outcome>>;
}

export class PubSubNode {
  readonly #options: PubSubNodeOptions;
  readonly #heads: ActiveHeads;
  readonly #order = new CallOrder((place) => this.#released(place));
  /** Settles when the server has it: of those under way. */
  readonly #leaving = new Map<Place, () => void>();
  #messages = 0;
  #bytes = 0;

  constructor(options: PubSubNodeOptions) {
    const { clock, outbox } = options;
    this.#options = options;
    this.#heads = new ActiveHeads({ clock, onHead: (group, position) => outbox.head(group, position) });
  }

  get priorityMessages(): number {
    return this.#messages;
  }

  get priorityBytes(): number {
    return this.#bytes;
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
    this.#checkUp();
    return this.#append(this.#enter(group, publication, publication.body.byteLength));
  }

  /** As {@link publishPriority}, for distinct groups: those there was no room for at once, the others' outcomes later. */
  publishPriorityToMany(groups: readonly string[], publication: Publication): PublishingMany {
    const refused = new Map<string, Error>();
    const places: Place[] = [];
    const share = Math.ceil(publication.body.byteLength / groups.length);
    for (const group of groups) {
      try {
        this.#checkUp();
        places.push(this.#enter(group, publication, share));
      } catch (error) {
        refused.set(group, ImError.wrap(error));
      }
    }
    return { refused, outcomes: this.#appendMany(places, publication) };
  }

  close(): void {
    this.#heads.close();
  }

  #checkUp(): void {
    if (this.#options.outbox.isUp) return;
    throw new ImError('UNAVAILABLE', { message: 'the message bus cannot be reached; try again later' });
  }

  #enter(group: string, publication: Publication, bytes: number): Place {
    const { figures, maxPriorityMessages, maxPriorityBytes } = this.#options;
    if (this.#messages >= maxPriorityMessages || this.#bytes + bytes > maxPriorityBytes) {
      figures.refused.add();
      throw new ImError('QUEUE_FULL');
    }
    figures.publishedPriority.add();
    this.#messages += 1;
    this.#bytes += bytes;
    return this.#order.enter(group, publication, bytes);
  }

  async #append(place: Place): Promise<Sequenced> {
    const left = this.#leaves(place);
    try {
      const sequenced = await this.#options.sequencer.append(place.group, place.publication);
      this.#order.settle(place, sequenced);
      await left;
      return sequenced;
    } catch (error) {
      this.#order.settle(place, undefined);
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
      this.#order.settle(place, outcome instanceof Error ? undefined : outcome);
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
    this.#messages -= 1;
    this.#bytes -= place.bytes;
    this.#leaving.get(place)?.();
    this.#leaving.delete(place);
  }
}
