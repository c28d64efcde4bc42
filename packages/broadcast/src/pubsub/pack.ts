/** What waits on one channel to go out in one message to the server. Owns the messages until then; must not know connections. */
import type { Position, Publication } from '@im/protocol';
import { encodeRun, encodeVersioned, MAX_RUN, type Versioned } from '../wire/delivery-codec.js';
import { messageBytes } from '../wire/message.js';

/** A pack of more is followed by another. */
const PACK_BYTES = 65_536;

/** Settles when the server has the pack, or it is known that it will not. */
export class Taken {
  resolve!: () => void;
  reject!: (error: Error) => void;
  readonly promise = new Promise<void>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    // Whoever wants to hear of a failure awaits the promise.
    this.promise.catch(() => {});
  }
}

export interface Pack {
  /** Messages in it. */
  readonly count: number;
  /** Of the bodies. */
  readonly bodyBytes: number;
  readonly hasRoom: boolean;
  taken: Taken | undefined;
  encode(sender: number): Buffer;
}

export class RunPack implements Pack {
  /** Number of the first message on its channel; what was dropped right before it. */
  first: number;
  lost: number;
  readonly messages: Publication[] = [];
  bodyBytes = 0;
  taken: Taken | undefined;
  #bytes = 0;

  constructor(first: number, lost: number) {
    this.first = first;
    this.lost = lost;
  }

  get count(): number {
    return this.messages.length;
  }

  get hasRoom(): boolean {
    return this.#bytes < PACK_BYTES && this.messages.length < MAX_RUN;
  }

  push(publication: Publication): void {
    this.messages.push(publication);
    this.#bytes += messageBytes(publication);
    this.bodyBytes += publication.body.length;
  }

  encode(sender: number): Buffer {
    return encodeRun({ sender, first: this.first, lost: this.lost, messages: this.messages });
  }
}

export class VersionedPack implements Pack {
  readonly messages: Versioned[] = [];
  head: Position | undefined;
  bodyBytes = 0;
  taken: Taken | undefined;
  #bytes = 0;

  get count(): number {
    return this.messages.length;
  }

  get hasRoom(): boolean {
    return this.#bytes < PACK_BYTES && this.messages.length < MAX_RUN;
  }

  /** Where the log stands for all that this pack knows. */
  get position(): Position | undefined {
    return this.head ?? this.messages.at(-1)?.position;
  }

  push(publication: Publication, position: Position): void {
    this.messages.push({ publication, position });
    this.#bytes += messageBytes(publication);
    this.bodyBytes += publication.body.length;
  }

  encode(): Buffer {
    return encodeVersioned(this.messages, this.head);
  }
}
