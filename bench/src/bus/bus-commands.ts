/** What a parent tells the publisher and the subscriber of a bus, and their answers: one a command. */

/** Messages travel by group: `r:10000`, `r:10001` and so on. */
export function groupNames(count: number): string[] {
  return Array.from({ length: count }, (_, number) => `r:${10_000 + number}`);
}

export type SubscriberCommand =
  /** Those groups, all of them. Answered when they are in force. */
  | { readonly do: 'subscribe'; readonly groups: number }
  /** Counts for so long, after a while in which nothing counts. */
  | { readonly do: 'count'; readonly warmMs: number; readonly measureMs: number; readonly pids: readonly number[] }
  /** Latencies of lone messages since the last question. */
  | { readonly do: 'latencies' }
  /** The same of the priority lane. Answered when so many have come since the last question, or when some are not coming. */
  | { readonly do: 'gifts'; readonly expected: number };

export interface SubscriberReply {
  readonly messages: number;
  /** Told by the system as lost on the way. */
  readonly lost: number;
  readonly seconds: number;
  /** In the order of `pids`. */
  readonly cpuSeconds: readonly number[];
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export type PublisherCommand =
  /** As fast as it can, the groups in turn, until the next command. */
  | { readonly do: 'flood'; readonly groups: number }
  /** So many, one at a time, so many milliseconds apart. Answered when all were sent. */
  | { readonly do: 'lone'; readonly count: number; readonly everyMs: number }
  | { readonly do: 'stop' };

/** To what publishes on the priority lane. */
export type GiftsCommand =
  /** Connects. */
  | { readonly do: 'prepare' }
  /** One each so many milliseconds, whether those before were answered or not. Answered when all were. */
  | { readonly do: 'send'; readonly count: number; readonly everyMs: number };

export interface PublisherReply {
  /** Handed over; on the priority lane those that have a version. */
  readonly messages: number;
}
