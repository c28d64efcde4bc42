/**
 * The transport between a caller or worker and one broker: whole messages in order, or the news that it is broken. Knows
 * nothing of what the messages say. Memory and ZeroMQ are its two kinds.
 */

export interface LinkEvents {
  /** The frames are the receiver's. Never called inside `send`. */
  onMessage(frames: readonly Buffer[]): void;
  /** The other end is gone for certain. A link that cannot know never calls it. */
  onBroken(): void;
}

export interface Link {
  /** Takes the frames over and sends them as soon as it can, in order. */
  send(frames: Buffer[]): void;
  /** Something is not sent yet. */
  readonly hasUnsent: boolean;
  /** It holds as much unsent as it may: what can wait, should. */
  readonly congested: boolean;
  /** What is not sent within a moment is dropped. No events after it. */
  close(): Promise<void>;
}

/** One side of one broker: each `open` is a new link to it. */
export interface Connector {
  /** Both ends are in this process: nothing is lost that one would have to ask about, and they have one clock. */
  readonly local: boolean;
  open(events: LinkEvents): Link;
}
