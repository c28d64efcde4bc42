/**
 * Priority messages on their way through the log: as many as there is room for, and those of a group let out in the order in which they
 * came in, whatever the order in which their appends settle. Versions are given in the order of calls, so this is the order of versions.
 * Knows nothing of sequencers.
 */
import { ImError, type Publication } from '@im/protocol';
import type { Sequenced } from '../broadcast.js';
import type { NodeFigures } from './node-figures.js';

/** One priority message of one group on its way through the log. */
export interface Place {
  readonly group: string;
  readonly publication: Publication;
  /** What it counts against the limit on bytes under way. */
  readonly bytes: number;
  /** Undefined once settled: the append failed. */
  sequenced: Sequenced | undefined;
  settled: boolean;
  /** No earlier message of the group is still waiting. */
  first: boolean;
  next: Place | undefined;
}

/** What became of one append. */
export type Outcome = Sequenced | Error;

export interface LogPassageOptions {
  readonly maxMessages: number;
  /** Of their bodies. */
  readonly maxBytes: number;
  readonly figures: Pick<NodeFigures, 'publishedPriority' | 'refused'>;
  /** Called with each settled place, in order per group. It is under way until it has left. */
  readonly release: (place: Place) => void;
}

export class LogPassage {
  readonly #options: LogPassageOptions;
  readonly #release: (place: Place) => void;
  /** The newest place of each group that has any waiting. */
  readonly #newest = new Map<string, Place>();
  #messages = 0;
  #bytes = 0;

  constructor(options: LogPassageOptions) {
    this.#options = options;
    this.#release = options.release;
  }

  /** Entered, and not left. */
  get messages(): number {
    return this.#messages;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Of what may be under way more than half is. */
  get isCrowded(): boolean {
    const { maxMessages, maxBytes } = this.#options;
    return this.#messages * 2 > maxMessages || this.#bytes * 2 > maxBytes;
  }

  /** @throws ImError QUEUE_FULL: nothing was taken */
  enter(group: string, publication: Publication, bytes: number): Place {
    const { maxMessages, maxBytes, figures } = this.#options;
    if (this.#messages >= maxMessages || this.#bytes + bytes > maxBytes) {
      figures.refused.add();
      throw new ImError('QUEUE_FULL');
    }
    figures.publishedPriority.add();
    this.#messages += 1;
    this.#bytes += bytes;
    const previous = this.#newest.get(group);
    const first = previous === undefined;
    const place: Place = { group, publication, bytes, sequenced: undefined, settled: false, first, next: undefined };
    if (previous !== undefined) previous.next = place;
    this.#newest.set(group, place);
    return place;
  }

  /** One message of distinct groups, which share its bytes: places of those for which there is room, why there is none for the others. */
  enterEach(groups: readonly string[], publication: Publication): { places: Place[]; refused: Map<string, Error> } {
    const refused = new Map<string, Error>();
    const places: Place[] = [];
    const share = Math.ceil(publication.body.length / groups.length);
    for (const group of groups) {
      try {
        places.push(this.enter(group, publication, share));
      } catch (error) {
        refused.set(group, ImError.wrap(error));
      }
    }
    return { places, refused };
  }

  /** @param sequenced undefined when the append failed */
  settle(place: Place, sequenced: Sequenced | undefined): void {
    place.sequenced = sequenced;
    place.settled = true;
    if (!place.first) return;
    for (let released: Place | undefined = place; released !== undefined; released = released.next) {
      if (!released.settled) {
        released.first = true;
        return;
      }
      if (released.next === undefined) this.#newest.delete(released.group);
      this.#release(released);
    }
  }

  /** A released place gives its room back. */
  leave(place: Place): void {
    this.#messages -= 1;
    this.#bytes -= place.bytes;
  }
}
