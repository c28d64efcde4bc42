/** What the parent tells the two programs of W7, and their answers: one a command. */

export function userOf(number: number): string {
  return `viewer-${number}`;
}

/** The process that has the logs, and a gateway in front of them. */
export type LogCommand =
  /** Each writer has a group of its own, or takes the next of so many, and appends as soon as it is acknowledged. */
  | {
      readonly do: 'append';
      readonly writers: number;
      readonly groups: number;
      readonly warmMs: number;
      readonly forMs: number;
    }
  /** So many messages into the log of each of these users, one user after the other. */
  | { readonly do: 'fill'; readonly first: number; readonly users: number; readonly each: number }
  /** So many into one log. */
  | { readonly do: 'lengthen'; readonly group: string; readonly entries: number }
  /** Pages of 50 behind this version, one after the other. */
  | { readonly do: 'page'; readonly group: string; readonly after: number; readonly times: number }
  /** What the process holds, after a collection. */
  | { readonly do: 'measure' }
  /** Where the gateway listens. */
  | { readonly do: 'where' };

export interface LogReply {
  readonly perSecond?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly cpuUs?: number;
  readonly residentBytes?: number;
  /** Of LMDB: the pages in use. */
  readonly storeBytes?: number;
  readonly port?: number;
}

/** Clients, each with one device. */
export type ClientsCommand =
  /** They connect, learn where their logs stand, and leave. */
  | { readonly do: 'meet'; readonly first: number; readonly users: number; readonly port: number }
  /** All connect in the same turn with what they saw; answered when each has read so many messages, once each and in order. */
  | {
      readonly do: 'return';
      readonly first: number;
      readonly users: number;
      readonly each: number;
      readonly port: number;
    };

export interface ClientsReply {
  /** From connecting to the last message, of each; ascending. */
  readonly ms: readonly number[];
}
