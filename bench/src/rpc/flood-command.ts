/** What a parent tells the flooding process, and its answer: one a command. */

export type FloodCommand =
  /** Calls the hung service as often as so much of a core allows, all of the process's threads together. */
  | { readonly do: 'flood'; readonly cores: number }
  /** Answered once no more calls are made. */
  | { readonly do: 'stop' };

/** Since `flood`; zeros before. */
export interface FloodReply {
  readonly calls: number;
  /** Calls that were answered, by the name of the error. */
  readonly answers: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly cpuSeconds: number;
}
