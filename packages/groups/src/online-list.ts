/** Who is in a group, across gateways: the interface of all engines (memory now, Redis later); `./testing` proves them. */

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

export interface PageOptions {
  /** Opaque, from the page before; absent for the first one. */
  readonly cursor?: string;
  /** 1 to {@link MAX_PAGE}. */
  readonly limit: number;
}

/** Most members that one page holds. */
export const MAX_PAGE = 1_000;

export interface OnlineReader {
  /** Distinct users. O(1). */
  count(group: string): Promise<number>;
  /** Whether any session of the user is in the group. O(1). */
  has(group: string, user: string): Promise<boolean>;
  /**
   * In order of entering. Members that come and go between pages may be missed or seen, never twice on one page;
   * those that stay are seen exactly once.
   * @throws ImError INVALID_ARGUMENT for a limit out of range or a cursor that no page gave
   */
  page(group: string, options: PageOptions): Promise<OnlinePage>;
}

export interface OnlineList extends OnlineReader {
  /**
   * A session of a user entered; a user with several sessions counts once, since the first of them, with the
   * attributes of the last. Entering again changes the attributes. Beyond the engine's bounds it is not listed.
   */
  enter(group: string, session: string, member: OnlineMember): void;
  /** A session left; unknown ones are ignored. */
  leave(group: string, session: string): void;
}
