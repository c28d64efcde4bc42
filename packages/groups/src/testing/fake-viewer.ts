/** A viewer that keeps what it was written, and an encoding whose chunks can be read back. */
import type { Delivery, Reset, Shed } from '@im/protocol';
import type { Encoding, Viewer } from '../viewer.js';

export type Written =
  | { readonly type: 'pushes'; readonly deliveries: readonly Delivery[] }
  | ({ readonly type: 'shed' } & Omit<Shed, 'type'>)
  | ({ readonly type: 'reset' } & Omit<Reset, 'type'>);

/** Chunks are empty: what they hold is remembered beside them. */
export class FakeEncoding implements Encoding {
  readonly #meanings = new WeakMap<Uint8Array, Written>();
  /** How many chunks were made. */
  encoded = 0;
  /** Of these, chunks of messages for one viewer alone. */
  toOne = 0;

  pushes(deliveries: readonly Delivery[]): Uint8Array {
    if (deliveries.length === 0) throw new Error('asked to encode nothing');
    return this.#make({ type: 'pushes', deliveries: [...deliveries] });
  }

  pushesToOne(deliveries: readonly Delivery[]): Uint8Array {
    this.toOne += 1;
    return this.pushes(deliveries);
  }

  shed(shed: Omit<Shed, 'type'>): Uint8Array {
    return this.#make({ ...shed, type: 'shed' });
  }

  reset(reset: Omit<Reset, 'type'>): Uint8Array {
    return this.#make({ ...reset, type: 'reset' });
  }

  /** @throws Error for bytes of another encoding */
  meaning(chunk: Uint8Array): Written {
    const written = this.#meanings.get(chunk);
    if (written === undefined) throw new Error('not a chunk of this encoding');
    return written;
  }

  #make(written: Written): Uint8Array {
    const chunk = new Uint8Array(0);
    this.encoded += 1;
    this.#meanings.set(chunk, written);
    return chunk;
  }
}

export class FakeViewer implements Viewer {
  readonly chunks: Uint8Array[] = [];
  congested = false;
  /** Called within each write, after it was recorded. */
  onWrite: (() => void) | undefined;

  constructor(readonly encoding: FakeEncoding = new FakeEncoding()) {}

  /** Called before it is written, now and then. */
  prefetch = (): number => 0;

  write(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.onWrite?.();
  }

  /** What it was written, in order. */
  get written(): Written[] {
    return this.chunks.map((chunk) => this.encoding.meaning(chunk));
  }

  /** Messages it was written, chunks flattened. */
  get deliveries(): Delivery[] {
    return this.written.flatMap((written) => (written.type === 'pushes' ? written.deliveries : []));
  }

  /** What it was told it was not sent. */
  get sheds(): Omit<Shed, 'type'>[] {
    return this.written.flatMap((written) => {
      if (written.type !== 'shed') return [];
      const { type: _, ...shed } = written;
      return [shed];
    });
  }
}
