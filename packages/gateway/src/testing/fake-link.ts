/** A transport connection whose other end is a test: says JSON lines, keeps what the gateway answers. */
import { jsonServerCodec } from '@im/protocol';
import type { Link, LinkEvents } from '../link.js';
import { createWire, type Wire } from '../wire.js';
import { ReceivedMessages } from './received-messages.js';

const WIRE: Wire = createWire(jsonServerCodec, (payload) => payload);

export class FakeLink extends ReceivedMessages implements Link {
  readonly wire = WIRE;
  readonly bufferedBytes = 0;
  /** Cleared: a client that does not read, and so does not confirm; {@link confirm} has it read on. */
  reads = true;
  /** The question that it has not answered. */
  asked: number | undefined;
  /** What came as it came, a chunk each. */
  readonly chunks: Uint8Array[] = [];
  /** Set: a gateway that closes is told at once that the link is gone, as with a peer that answers. */
  closesAtOnce = true;
  readonly #events: LinkEvents;

  /** @param accept a gateway's `accept` */
  constructor(
    accept: (link: Link) => LinkEvents,
    readonly remoteAddress = '203.0.113.7',
  ) {
    super();
    this.#events = accept(this);
  }

  // ── the gateway's side ──────────────────────────────────────────────────────────────────────

  prefetch(): number {
    return 0;
  }

  write(chunk: Uint8Array, probe?: number): void {
    if (this.closedWith || this.gone) return;
    this.chunks.push(chunk);
    this.take(Buffer.from(chunk).toString('utf8'));
    if (probe !== undefined) this.probe(probe);
  }

  probe(number: number): void {
    this.asked = number;
    queueMicrotask(() => {
      if (this.reads) this.confirm();
    });
  }

  close(code: number, reason: string): void {
    if (this.closedWith || this.gone) return;
    this.takeClose(code, reason);
    if (this.closesAtOnce) queueMicrotask(() => this.disconnect());
  }

  // ── the test's side ─────────────────────────────────────────────────────────────────────────

  /** Sends one transport message: messages as objects, or text as it is. */
  say(...messages: (object | string)[]): void {
    this.sayBytes(
      Buffer.from(messages.map((each) => (typeof each === 'string' ? each : JSON.stringify(each))).join('\n')),
    );
  }

  sayBytes(frame: Uint8Array): void {
    this.#events.received(frame);
  }

  get events(): LinkEvents {
    return this.#events;
  }

  /** The network is gone, without a word. */
  disconnect(): void {
    if (this.gone) return;
    this.end();
    this.#events.closed();
  }

  /** The client has read everything and answers, now and from now on. */
  confirm(): void {
    this.reads = true;
    const { asked } = this;
    this.asked = undefined;
    if (asked !== undefined && !this.gone) this.#events.confirmed(asked);
  }
}
