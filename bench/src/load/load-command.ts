/** What a parent tells a load process, and its answer: one a command. */
import type { LoadSnapshot } from './ledger.js';

export type LoadCommand =
  | {
      /** Answered when all viewers are in their rooms. */
      readonly do: 'open';
      readonly dialect: string;
      readonly host: string;
      readonly port: number;
      /** Number of the first viewer; decides its address and its name. */
      readonly first: number;
      readonly count: number;
      readonly rooms: readonly string[];
      /** One of so many viewers reads every message. */
      readonly sampleEvery: number;
      /** How fast each reads once it is in its rooms; undefined: as fast as it can. */
      readonly bytesPerSecond?: number;
      /** Bodies are of various sizes, so that messages cannot be counted by the length of the frames that carry them. */
      readonly varied?: boolean;
      /** Offers permessage-deflate. */
      readonly deflate?: boolean;
    }
  /** From now on every viewer says that it is alive once in so many milliseconds, one after the other. */
  | { readonly do: 'beat'; readonly everyMs: number }
  /** All connections break at once, and all viewers come back at once. Answered when all are in their rooms again. */
  | { readonly do: 'storm' }
  /** From now on all read as fast as they can. */
  | { readonly do: 'hasten' }
  /** Answered when all viewers were asked to move, have done so, and are in their rooms again. */
  | { readonly do: 'moved' }
  | { readonly do: 'snapshot' }
  /** How the viewers' accounts stand when so many messages were published since they entered. */
  | { readonly do: 'account'; readonly published: number }
  /** Answered when all connections are closed. */
  | { readonly do: 'close' };

/** By the clock of the host, milliseconds. */
export interface Move {
  /** As it was told. */
  readonly dueAtMs: number;
  readonly leftAtMs: number;
  readonly backAtMs: number;
}

export interface LoadReply {
  readonly snapshot: LoadSnapshot;
  /** After a storm: milliseconds until each viewer was back. */
  readonly backAfterMs: readonly number[];
  /** Of `moved`. */
  readonly moves: readonly Move[];
  /** Viewers whose account is not what was published: the least and the most that is missing in one. Of `account`. */
  readonly unbalanced?: { readonly viewers: number; readonly least: number; readonly most: number };
}
