/** What a parent tells the publisher process, and its answer: one a command. */
import type { Lane } from '@im/protocol';
import type { Corpus } from '../corpus.js';

export type PublishTarget =
  /** POST of bodies, one a line: every peer that has no way of its own. */
  | { readonly kind: 'lines'; readonly url: string }
  /** `im`: POST of publications, one JSON object a line. */
  | { readonly kind: 'im'; readonly url: string; readonly token: string; readonly room: string }
  | { readonly kind: 'nats'; readonly host: string; readonly port: number; readonly subject: string };

export interface StartPublishing {
  readonly do: 'start';
  readonly target: PublishTarget;
  /** Messages a second. */
  readonly rates: Readonly<Record<Lane, number>>;
  readonly bodyBytes: number;
  /** What people say in chat, in place of bodies of one size. */
  readonly corpus?: Corpus;
}

export type PublisherCommand =
  | StartPublishing
  /** Answered when everything that was made has been taken. */
  | { readonly do: 'stop' };

export interface PublisherReply {
  /** Since the process began. */
  readonly published: Readonly<Record<Lane, number>>;
}
