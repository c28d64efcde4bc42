/** Who is in a group, across gateways: the interface of all engines (memory now, Redis later). */

export interface OnlineMember {
  readonly user: string;
  /** Shown to others: name, avatar … what the worker set as attributes. */
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly sinceMs: number;
}

export interface OnlinePage {
  readonly members: readonly OnlineMember[];
  /** Hand in for the next page; absent at the end. */
  readonly cursor?: string;
}

export interface OnlineReader {
  /** Distinct users. O(1). */
  count(group: string): Promise<number>;
  /** Whether any session of the user is in the group. O(1). */
  has(group: string, user: string): Promise<boolean>;
  /** In order of entering. Members that come and go between pages may be missed or seen, never twice on one page. */
  page(group: string, options: { cursor?: string; limit: number }): Promise<OnlinePage>;
}

export interface OnlineList extends OnlineReader {
  /** A session of a user entered; a user with several sessions counts once. */
  enter(group: string, session: string, member: OnlineMember): void;
  leave(group: string, session: string): void;
}
