/**
 * The client's end of an in-memory WebSocket: what a page's WebSocket does, without a network. Frames are delivered in
 * microtasks, in order. Knows nothing of the protocol.
 */
import type { WebSocketLike } from '../connection/link.js';

type Handler = ((event: never) => void) | null;

export interface SocketOwner {
  onFrame(frame: string): void;
  /** The client called `close`. */
  onClosedByClient(code: number | undefined): void;
}

export class FakeSocket implements WebSocketLike {
  binaryType = 'blob';
  onopen: Handler = null;
  onmessage: Handler = null;
  onclose: Handler = null;
  onerror: Handler = null;
  readyState: 0 | 1 | 2 | 3 = 0;
  owner: SocketOwner | undefined;

  constructor(
    readonly address: string,
    readonly subprotocol: string,
  ) {}

  send(frame: string): void {
    if (this.readyState === 0) throw new Error('InvalidStateError: still connecting');
    if (this.readyState !== 1) return;
    queueMicrotask(() => this.owner?.onFrame(frame));
  }

  close(code?: number): void {
    if (this.readyState >= 2) return;
    this.readyState = 2;
    queueMicrotask(() => {
      this.readyState = 3;
      this.owner?.onClosedByClient(code);
      this.#dispatch('onclose', { code: code ?? 1005, reason: '' });
    });
  }

  open(): void {
    queueMicrotask(() => {
      if (this.readyState !== 0) return;
      this.readyState = 1;
      this.#dispatch('onopen', {});
    });
  }

  deliver(frame: string): void {
    queueMicrotask(() => {
      if (this.readyState === 1) this.#dispatch('onmessage', { data: frame });
    });
  }

  /** Ends it from the other side; 1006 is what a client sees when no close frame came. */
  end(code: number, reason: string): void {
    queueMicrotask(() => {
      if (this.readyState === 3) return;
      this.readyState = 3;
      if (code === 1006) this.#dispatch('onerror', {});
      this.#dispatch('onclose', { code, reason });
    });
  }

  #dispatch(name: 'onopen' | 'onmessage' | 'onclose' | 'onerror', event: object): void {
    this[name]?.(event as never);
  }
}
