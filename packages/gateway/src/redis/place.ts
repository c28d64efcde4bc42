/** Where sessions are entered in Redis: a group's online list, or a user's record. Knows keys and scripts, no connection. */
import type { RedisScript } from '@im/redis';
import { CHANGE_LIST, CHANGE_RECORD, SWEEP_LIST, SWEEP_RECORD } from './presence-scripts.js';

/** `g` and the group, or `u` and the user's group: how a place is called in the set of a writer's places. */
export type Place = `g${string}` | `u${string}`;

/** What one session is entered with, as arguments of the place's script. */
export type SessionFields = readonly string[];

export interface PlaceCall {
  readonly script: RedisScript;
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

export interface SessionChange {
  readonly session: string;
  /** Undefined: it left. */
  readonly fields: SessionFields | undefined;
}

export class PlaceKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  get leases(): string {
    return `${this.#prefix}:{presence}:leases`;
  }

  placesOf(writer: string): string {
    return `${this.#prefix}:{presence:${writer}}:places`;
  }

  list(group: string): [order: string, members: string, counts: string] {
    const key = `${this.#prefix}:online:{${group}}`;
    return [`${key}:o`, `${key}:m`, `${key}:n`];
  }

  record(userGroup: string): string {
    return `${this.#prefix}:user:{${userGroup}}`;
  }

  change(writer: string, place: Place, changes: readonly SessionChange[]): PlaceCall {
    const name = place.slice(1);
    if (place.startsWith('g')) {
      const args = changes.flatMap(({ session, fields }) =>
        fields ? ['e', session, ...fields] : ['l', session, '', '', ''],
      );
      return { script: CHANGE_LIST, keys: this.#listOf(writer, name), args };
    }
    const args = changes.flatMap(({ session, fields }) => (fields ? ['e', session, ...fields] : ['l', session, '']));
    return { script: CHANGE_RECORD, keys: [this.record(name)], args: [`${writer} `, ...args] };
  }

  sweep(writer: string, place: Place): PlaceCall {
    const name = place.slice(1);
    return place.startsWith('g')
      ? { script: SWEEP_LIST, keys: this.#listOf(writer, name), args: [] }
      : { script: SWEEP_RECORD, keys: [this.record(name)], args: [`${writer} `] };
  }

  #listOf(writer: string, group: string): string[] {
    const list = this.list(group);
    return [...list, `${list[0]}:${writer}`];
  }
}
