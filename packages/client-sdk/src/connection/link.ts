/** One WebSocket, of a browser, of Node or of `ws`, reduced to what the connection needs. Must not know the protocol. */

/** What the client needs of a WebSocket; those of browsers, of Node 22 and of `ws` fit. */
export interface WebSocketLike {
  binaryType: string;
  onopen: unknown;
  onmessage: unknown;
  onclose: unknown;
  onerror: unknown;
  send(frame: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

export type WebSocketConstructor = new (address: string, subprotocol: string) => WebSocketLike;

export interface LinkHandlers {
  onOpen(): void;
  onFrame(frame: unknown): void;
  onClose(code: number, reason: string): void;
}

export interface Link {
  send(frame: string | Uint8Array<ArrayBuffer>): void;
  /** No handler is called from here on. */
  close(): void;
}

const ignore = (): void => {};

/** @throws whatever the constructor throws for an address it cannot use */
export function openLink(
  WebSocket: WebSocketConstructor,
  address: string,
  subprotocol: string,
  handlers: LinkHandlers,
): Link {
  const socket = new WebSocket(address, subprotocol);
  socket.binaryType = 'arraybuffer';
  socket.onopen = handlers.onOpen;
  socket.onmessage = (event: { data: unknown }) => handlers.onFrame(event.data);
  socket.onclose = (event: { code: number; reason: string }) => handlers.onClose(event.code, event.reason);
  // `close` follows and says the same; without a listener `ws` would throw.
  socket.onerror = ignore;
  return {
    send: (frame) => socket.send(frame),
    close() {
      socket.onopen = socket.onmessage = socket.onclose = ignore;
      socket.close();
    },
  };
}
