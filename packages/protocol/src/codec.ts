/** The two halves of a codec. Pure: bytes ↔ messages, no sockets, no timers, no state. */
import type { ClientMessage, ReceivedCommand, ServerMessage } from './messages.js';

/** Gateway side: bodies are opaque bytes, JSON text in every codec. */
export interface ServerCodec {
  /** The WebSocket subprotocol it speaks. */
  readonly subprotocol: string;
  /**
   * Decodes one transport message. Bodies are views into `frame`: valid as long as the caller keeps it.
   * @throws ImError MALFORMED, and nothing else, whatever the bytes
   */
  decode(frame: Uint8Array, maxMessages: number): ReceivedCommand<Uint8Array>[];
  /** Encodes one message; chunks of several are made with {@link join}. The result is the caller's. */
  encode(message: ServerMessage<Uint8Array>): Uint8Array;
  /** Puts encoded messages into one transport message. */
  join(messages: readonly Uint8Array[]): Uint8Array;
}

/** Client side: bodies are parsed values; `Frame` is what its socket sends, `Received` what it receives. */
export interface ClientCodec<Frame, Received = Frame> {
  readonly subprotocol: string;
  encode(message: ClientMessage<unknown>): Frame;
  /**
   * Decodes one transport message; messages of unknown kind are left out (PR-7).
   * @throws ImError MALFORMED, and nothing else
   */
  decode(frame: Received): ServerMessage<unknown>[];
}
