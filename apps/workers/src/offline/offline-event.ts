/** What a mobile push needs to know of a message that came for somebody who is not connected. docs/offline.md says the same to people. */

export interface OfflineEvent {
  /** Of the message: the same when it is told again. */
  readonly id: string;
  readonly product?: string;
  /** Who is not connected. */
  readonly user: string;
  readonly conversation: string;
  /** Place of the message in the conversation. */
  readonly version: number;
  readonly from: { readonly user: string; readonly name: string };
  /** Beginning of the text, where it is allowed. */
  readonly preview?: string;
  /** Unread messages of the conversation, this one counted; left out where it is not known. */
  readonly unread?: number;
  /** When it was sent, in milliseconds since 1970. */
  readonly at: number;
}

/** Somebody who is to be told of such messages. */
export interface OfflineSink {
  /** For figures and the log. */
  readonly name: string;
  /** @throws ImError where `retryable`, it is told again */
  tell(event: OfflineEvent, signal: AbortSignal): Promise<void>;
}
