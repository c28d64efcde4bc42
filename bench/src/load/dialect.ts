/** How one system is spoken to by a viewer, beyond WebSocket itself. Owns no sockets. */

/** What a dialect may do with its viewer. */
export interface DialectViewer {
  readonly index: number;
  readonly rooms: readonly string[];
  sendText(text: string): void;
  sendBinary(text: string): void;
  /** One more of its rooms was entered. */
  entered(): void;
  /** The viewer is in all its rooms. */
  joined(): void;
  /** The server told that this many messages were not sent. */
  shed(count: number): void;
  /** The server asks it to move there, after so many milliseconds. */
  move(afterMs: number, address: string): void;
}

export interface Dialect {
  readonly path: string;
  readonly subprotocol?: string;
  /** The connection is open. */
  opened(viewer: DialectViewer): void;
  /** A payload without messages came. */
  control(viewer: DialectViewer, payload: string): void;
  /** A payload with messages came to a sampled viewer; valid during the call. */
  messages?(viewer: DialectViewer, payload: Buffer): void;
  /** Proves that the viewer is alive; where there is nothing of the kind, a ping of WebSocket does. */
  heartbeat?(viewer: DialectViewer): void;
}
