/** A published message inside the system: what publishers hand in and what viewers' gateways receive. */
import type { Lane } from './group-id.js';

/** What a publisher says. The body is opaque: valid JSON text in UTF-8 without line breaks, checked where it enters the system, never again. */
export interface Publication {
  readonly lane: Lane;
  readonly event: string;
  /** Not copied: must not be changed after it was handed over. */
  readonly body: Uint8Array;
  /** Message id, at most 64 characters. On the priority lane the same id again returns the same version. */
  readonly id?: string;
  /** The publisher's clock, milliseconds since 1970. */
  readonly time: number;
}

/** A publication on its way to the members of a group; one object is shared by all of them. */
export interface Delivery extends Publication {
  readonly group: string;
  /** Both on the priority lane, always; neither on the normal lane. */
  readonly epoch?: string;
  readonly version?: number;
}
