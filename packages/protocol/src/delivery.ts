/** A published message inside the system: what publishers hand in and what viewers' gateways receive. */
import type { Lane } from './group-id.js';

/**
 * What of a normal message counts where there are more than can be shown. Priority messages have none: each of them is sent.
 */
export interface Terms {
  /** Whose message it is, at most 64 characters: where room is short every sender gets a share of it. */
  readonly sender?: string;
  /** Goes before the others where room is short: of a host, a friend, somebody who paid. */
  readonly reserved?: boolean;
  /** How those that wait at the same time become one. */
  readonly conflate?: Conflation;
}

/**
 * Of the messages of one group, event and key (at most 64 characters) that wait at the same time one is sent, with the body of the
 * last. `latest`: the others are out of date. `sum`: their amounts, integers, are added up; one whose message id was added before
 * counts nothing.
 */
export type Conflation =
  | { readonly mode: 'latest'; readonly key: string }
  | { readonly mode: 'sum'; readonly key: string; readonly amount: number };

/**
 * What a publisher says; none of it may be changed after it was handed over. The body is opaque: valid JSON text in UTF-8 without line
 * breaks, checked where it enters the system, never again.
 */
export interface Publication {
  readonly lane: Lane;
  readonly event: string;
  /** Not copied. */
  readonly body: Uint8Array;
  /** Message id, at most 64 characters. On the priority lane the same id again returns the same version. */
  readonly id?: string;
  /** The publisher's clock, milliseconds since 1970. */
  readonly time: number;
  /** On the normal lane only. */
  readonly terms?: Terms;
}

/** A publication on its way to the members of a group; one object is shared by all of them. */
export interface Delivery extends Publication {
  readonly group: string;
  /** Both on the priority lane, always; neither on the normal lane. */
  readonly epoch?: string;
  readonly version?: number;
  /**
   * So many further messages this one stands for; absent: none. With `terms.conflate` of `sum`, its amount is that of all of them.
   */
  readonly conflated?: number;
}
