/** What a parent tells the publisher process, and its answer: one a command. */
import type { Lane } from '@im/protocol';

export type PublishTarget =
  /** POST of bodies, one a line: every peer that has no way of its own. */
  | { readonly kind: 'lines'; readonly url: string }
  /** `im`: POST of publications, one JSON object a line. */
  | { readonly kind: 'im'; readonly url: string; readonly token: string; readonly room: string }
  | { readonly kind: 'nats'; readonly host: string; readonly port: number; readonly subject: string };

export type PublisherCommand =
  | {
      readonly do: 'start';
      readonly target: PublishTarget;
      /** Messages a second. */
      readonly rates: Readonly<Record<Lane, number>>;
      readonly bodyBytes: number;
    }
  /** Answered when everything that was made has been taken. */
  | { readonly do: 'stop' };

export interface PublisherReply {
  /** Since the process began. */
  readonly published: Readonly<Record<Lane, number>>;
}
