/** The push interface that every implementation offers: messages from a backend to people, rooms and groups. */
import type { Acknowledgement, Published, PublishedMany } from '@im/broadcast';
import type { Conflation, Lane } from '@im/protocol';

export interface PushMessage {
  /** `[A-Za-z][A-Za-z0-9_.:-]{0,63}`; names that begin with `$` are the system's own and refused. */
  readonly event: string;
  /** Any JSON value, at most 65,536 bytes encoded and nested at most 128 deep. Default null. */
  readonly data?: unknown;
  /** Default normal: may be shed under pressure. Priority is never shed and replayed after a reconnect. */
  readonly lane?: Lane | undefined;
  /**
   * 1 to 64 characters. On the priority lane the same id again, to the same group, is not sent again; a message without
   * one is given one there. On the normal lane it makes a `sum` count once.
   */
  readonly id?: string | undefined;
  /** Normal lane only: whose message it is, 1 to 64 characters. Where a room gets more than it can show, every sender gets a share. */
  readonly sender?: string | undefined;
  /** Normal lane only: goes before the others where there is more than a room can show. */
  readonly reserved?: boolean | undefined;
  /**
   * Normal lane only: of the messages of one group, event and key (1 to 64 characters) that wait at the same time one is sent, with
   * the data of the last; with `sum` it carries the total of all their amounts, which are integers.
   */
  readonly conflate?: Conflation | undefined;
}

export interface PushOptions {
  /** Default accepted. */
  readonly acknowledge?: Acknowledgement | undefined;
  /**
   * Whose users and groups: `[a-z][a-z0-9]{0,15}`. Default: the client's own product, or those without any. A client
   * that has a product refuses every other.
   */
  readonly product?: string | undefined;
  /**
   * Asks how many have it: see {@link PushClient.receiptOf}. For pushes to users on the priority lane with an `id` of 1 to 63 characters,
   * that are acknowledged. A repetition asks as well: with and without are two messages.
   */
  readonly receipt?: boolean | undefined;
}

/** How far a push has come. */
export interface PushReceipt {
  /** People in whose logs it is; what failed for some of a push is not among them, until a repetition completes it. */
  readonly of: number;
  /** How many of them have it, on any of their devices. Never less than before. */
  readonly delivered: number;
  /** Whether all have it; after waiting: as many as were waited for. */
  readonly isComplete: boolean;
}

export type ReceiptOptions = Pick<PushOptions, 'product'>;

export interface WaitOptions extends ReceiptOptions {
  /** How many are enough, from 1. Default: all to whom it went. */
  readonly atLeast?: number | undefined;
  /** 1 to 3,600,000. Default 10,000. */
  readonly timeoutMs?: number | undefined;
  /** Ends the waiting, with CANCELLED. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Groups in results are as members see them, without the product. What is wrong with the arguments is thrown before
 * anything is sent: INVALID_ARGUMENT (with `details.field`), GROUP_INVALID, BODY_TOO_LARGE.
 */
export interface PushClient {
  /** To all devices of a user. @throws ImError as Publisher.publish does */
  toUser(user: string, message: PushMessage, options?: PushOptions): Promise<Published>;
  /** To at most 10,000 users; all are tried. Repeating it with the same id completes a partial one. */
  toUsers(users: readonly string[], message: PushMessage, options?: PushOptions): Promise<PublishedMany>;
  /** To everybody in a room. @throws ImError as Publisher.publish does */
  toRoom(room: string, message: PushMessage, options?: PushOptions): Promise<Published>;
  /** To the members of any group, `kind:name`. @throws ImError as Publisher.publish does */
  toGroup(group: string, message: PushMessage, options?: PushOptions): Promise<Published>;
  /** To everyone connected. @throws ImError as Publisher.publish does */
  toAll(message: PushMessage, options?: PushOptions): Promise<Published>;
  /**
   * How many have the push that was made under this id with `receipt: true`, by whichever client.
   * @throws ImError RECEIPT_UNKNOWN, RECEIPTS_UNSERVED, those of a call (retryable)
   */
  receiptOf(id: string, options?: ReceiptOptions): Promise<PushReceipt>;
  /**
   * Waits until enough have it, at most as long as it is told to: then it says how many have it by then, which is no error.
   * @throws ImError as `receiptOf`, what is retryable only if it lasts until the end; CANCELLED
   */
  waitDelivered(id: string, options?: WaitOptions): Promise<PushReceipt>;
  /** What is on its way ends with CLOSED or is finished; later pushes are refused with CLOSED. */
  close(): Promise<void>;
}

/** Most users of one push. */
export const MAX_USERS = 10_000;
