/**
 * Lets messages of a group out in the order in which they came in, whatever the order in which their appends settle:
 * versions are given in the order of calls, so this is the order of versions. Knows nothing of sequencers.
 */
import type { Publication } from '@im/protocol';
import type { Sequenced } from '../broadcast.js';

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

export class CallOrder {
  readonly #release: (place: Place) => void;
  /** The newest place of each group that has any waiting. */
  readonly #newest = new Map<string, Place>();

  /** @param release called with each settled place, in order per group */
  constructor(release: (place: Place) => void) {
    this.#release = release;
  }

  enter(group: string, publication: Publication, bytes: number): Place {
    const previous = this.#newest.get(group);
    const first = previous === undefined;
    const place: Place = { group, publication, bytes, sequenced: undefined, settled: false, first, next: undefined };
    if (previous !== undefined) previous.next = place;
    this.#newest.set(group, place);
    return place;
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
}
