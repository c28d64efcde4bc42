/**
 * The publications of this process to one node on one lane, on their way: packs them while the socket is busy, sends a
 * lone one at once. Owns the bounded queue in front of the socket.
 */
import { ImError, type Lane, type Publication } from '@im/protocol';
import type { Counter } from '@im/protocol/ports';
import { FLAG_ANSWER, PACK_BYTES } from '../wire/bus-format.js';
import { PublishPackWriter } from '../wire/publish-pack-writer.js';
import type { LinkTransport } from './link-transport.js';

/** How long a pack of the normal lane may take to be answered. */
const ANSWER_SECONDS = 10;

export interface LaneSenderOptions {
  readonly peer: string;
  readonly lane: Lane;
  readonly transport: LinkTransport;
  /** Runs it when the calls at hand are over. */
  readonly defer: (run: () => void) => void;
  /** Messages, one for each group. */
  readonly sent: Counter;
}

interface Pack {
  readonly bytes: Buffer;
  readonly messages: number;
}

export class LaneSender {
  readonly #options: LaneSenderOptions;
  readonly #writer: PublishPackWriter;
  readonly #packs: Pack[] = [];
  #packedBytes = 0;
  /** Of the pack that the socket is to take now. */
  #sendingBytes = 0;
  #number = 0;
  /** In the pack under construction, one for each group. */
  #messages = 0;
  #pack = 0;
  #flags = 0;
  #isSending = false;
  #seconds = 0;
  #isDeferred = false;
  #isClosed = false;
  /** Of packs that the node says it has: who waits. */
  readonly #taken = new Map<number, Taken>();
  #next: Taken | undefined;
  #onSent: (() => void)[] = [];

  constructor(options: LaneSenderOptions) {
    this.#options = options;
    this.#writer = new PublishPackWriter(options.peer);
  }

  /** Bytes that the socket has not taken yet. */
  get bytes(): number {
    return this.#packedBytes + this.#sendingBytes + this.#writer.bytes;
  }

  /** @param alias of the group, or 0 @returns its number on this lane */
  publication(group: string, alias: number, publication: Publication): number {
    const number = this.#nextNumber();
    this.#writer.publication(group, alias, publication, number);
    this.#messages++;
    this.#written();
    return number;
  }

  publicationToMany(groups: readonly string[], publication: Publication): number {
    const number = this.#nextNumber();
    this.#writer.publicationToMany(groups, publication, number);
    this.#messages += groups.length;
    this.#written();
    return number;
  }

  /** Settles when the node has what was written last; rejects when the link is lost before. */
  acknowledged(): Promise<void> {
    this.#flags = FLAG_ANSWER;
    this.#next ??= new Taken(this.#seconds);
    return this.#next.promise;
  }

  /** The node has that pack. */
  taken(pack: number): void {
    const taken = this.#taken.get(pack);
    this.#taken.delete(pack);
    taken?.resolve();
  }

  /** Once a second: gives up answers that have not come for long, for they may have been lost. */
  check(): void {
    this.#seconds++;
    for (const [pack, taken] of this.#taken) {
      if (this.#seconds - taken.since <= ANSWER_SECONDS) return;
      this.#taken.delete(pack);
      taken.reject(new ImError('TIMEOUT'));
    }
  }

  /** Settles when the socket has taken all that was written, or it is closed. */
  sent(): Promise<void> {
    if (!this.#isDeferred && !this.#isSending) return Promise.resolve();
    return new Promise((resolve) => this.#onSent.push(resolve));
  }

  /** The node is gone: what it has not taken shall not come to the next one of its name, behind what went elsewhere meanwhile. */
  abandon(error: Error): void {
    this.#drop();
    this.lost(error);
    this.#options.transport.abandon(this.#options.lane);
  }

  /** Whoever waits will not hear of it any more. */
  lost(error: Error): void {
    const waiting = [...this.#taken.values()];
    this.#taken.clear();
    for (const taken of waiting) taken.reject(error);
  }

  close(error: Error): void {
    this.#isClosed = true;
    this.#drop();
    this.lost(error);
    this.#tellSent();
  }

  #drop(): void {
    this.#seal();
    this.#packs.length = 0;
    this.#packedBytes = 0;
  }

  /** For what is written next; {@link acknowledged} is then about the pack that it goes into. */
  #nextNumber(): number {
    if (this.#writer.bytes >= PACK_BYTES[this.#options.lane]) this.#seal();
    const number = this.#number;
    this.#number = (number + 1) >>> 0;
    return number;
  }

  #written(): void {
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    this.#options.defer(() => {
      this.#isDeferred = false;
      if (!this.#isSending) void this.#send();
    });
  }

  #seal(): void {
    if (this.#writer.isEmpty) return;
    this.#pack = (this.#pack + 1) >>> 0;
    const bytes = this.#writer.take(this.#flags, this.#pack);
    if (this.#next !== undefined) this.#taken.set(this.#pack, this.#next);
    this.#next = undefined;
    this.#flags = 0;
    this.#packs.push({ bytes, messages: this.#messages });
    this.#packedBytes += bytes.length;
    this.#messages = 0;
  }

  async #send(): Promise<void> {
    const { lane, transport, sent } = this.#options;
    this.#isSending = true;
    while (!this.#isClosed) {
      if (this.#packs.length === 0) this.#seal();
      const pack = this.#packs.shift();
      if (pack === undefined) break;
      this.#sendingBytes = pack.bytes.length;
      this.#packedBytes -= pack.bytes.length;
      try {
        await transport.send(lane, pack.bytes);
        sent.add(pack.messages);
      } catch {
        // Abandoned or closed: whoever waits is told by who did it.
      }
      this.#sendingBytes = 0;
    }
    this.#isSending = false;
    this.#tellSent();
  }

  #tellSent(): void {
    for (const resolve of this.#onSent.splice(0)) resolve();
  }
}

class Taken {
  constructor(readonly since: number) {}

  resolve!: () => void;
  reject!: (error: Error) => void;
  readonly promise = new Promise<void>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });
}
