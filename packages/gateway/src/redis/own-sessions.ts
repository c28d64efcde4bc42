/**
 * The sessions that this process entered, and those whose change Redis was not told yet. No I/O: whoever tells Redis takes changes
 * from here, and has everything told anew when Redis may have forgotten.
 */
import type { Place, SessionChange, SessionFields } from './place.js';

export class OwnSessions {
  readonly #places = new Map<Place, Map<string, SessionFields>>();
  /** Sessions to be told of, in order; true: it left since Redis was told, whether or not it is back. */
  readonly #changed = new Map<Place, Map<string, boolean>>();
  readonly #max: number;
  #size = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** In all places. */
  get size(): number {
    return this.#size;
  }

  get hasChanges(): boolean {
    return this.#changed.size > 0;
  }

  /** @returns false when there is no room: the session is not entered */
  enter(place: Place, session: string, fields: SessionFields): boolean {
    let sessions = this.#places.get(place);
    if (sessions?.has(session) !== true) {
      if (this.#size >= this.#max) return false;
      this.#size += 1;
    }
    if (sessions === undefined) {
      sessions = new Map();
      this.#places.set(place, sessions);
    }
    sessions.set(session, fields);
    this.#change(place, session, false);
    return true;
  }

  leave(place: Place, session: string): void {
    const sessions = this.#places.get(place);
    if (sessions?.delete(session) !== true) return;
    this.#size -= 1;
    if (sessions.size === 0) this.#places.delete(place);
    this.#change(place, session, true);
  }

  /** Whether any session is in the place. */
  has(place: Place): boolean {
    return this.#places.has(place) || this.#changed.has(place);
  }

  /** Takes what Redis must be told next, in order per place. */
  take(maxPlaces: number, maxSessions: number): Map<Place, SessionChange[]> {
    const taken = new Map<Place, SessionChange[]>();
    for (const [place, sessions] of this.#changed) {
      if (taken.size >= maxPlaces) break;
      taken.set(place, this.#takeOf(place, sessions, maxSessions));
      if (sessions.size === 0) this.#changed.delete(place);
    }
    return taken;
  }

  /** Redis knows nothing: everyone who is here is to be told, and nobody who left. */
  retellAll(): void {
    this.#changed.clear();
    for (const [place, sessions] of this.#places) {
      this.#changed.set(place, new Map([...sessions.keys()].map((session) => [session, false])));
    }
  }

  #takeOf(place: Place, sessions: Map<string, boolean>, max: number): SessionChange[] {
    const changes: SessionChange[] = [];
    for (const [session, left] of sessions) {
      if (changes.length >= max) break;
      sessions.delete(session);
      const fields = this.#places.get(place)?.get(session);
      if (left) changes.push({ session, fields: undefined });
      if (fields !== undefined) changes.push({ session, fields });
    }
    return changes;
  }

  #change(place: Place, session: string, left: boolean): void {
    let sessions = this.#changed.get(place);
    if (sessions === undefined) {
      sessions = new Map();
      this.#changed.set(place, sessions);
    }
    const leftBefore = sessions.get(session) ?? false;
    // At the end: who left and came back came last.
    if (left || leftBefore) sessions.delete(session);
    sessions.set(session, left || leftBefore);
  }
}
