/** What operators want of one run of a node. Another run of it, after a restart or a crash, has nothing to do with it. */
export interface DrainOrder {
  /** Which order: the same one is heard many times, from several managers. */
  readonly order: string;
  /** Of the node. */
  readonly id: string;
  readonly incarnation: string;
  /** Within which its clients are to leave, in milliseconds. Absent: it is to keep them after all, and take new ones again. */
  readonly windowMs?: number;
  /** It is emptied so that another run takes its place, not for good. */
  readonly restart: boolean;
}

export const MAX_WINDOW_MS = 3_600_000;
/** Nodes under orders at a time. */
export const MAX_ORDERS = 64;
