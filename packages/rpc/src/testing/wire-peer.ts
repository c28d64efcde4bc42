/** The other end of a link in tests: speaks records to a broker, a caller or a worker, and keeps what it is told. */
import type { Peer, PeerLink } from '../broker/peer.js';
import type { Connector, LinkEvents } from '../connection/link.js';
import { type Message, type MessageKind, readMessage, writeMessage } from '../wire/message.js';
import { PackReader } from '../wire/pack-reader.js';
import { PackWriter } from '../wire/pack-writer.js';

const NOTHING = new Uint8Array(0);

/** One pack of these messages; members that are left out are not checked. */
export function packOf(...messages: readonly Message[]): Buffer[] {
  const writer = new PackWriter();
  for (const message of messages) write(writer, message);
  return writer.take(0);
}

/** Any message: a call to a worker is one from a caller, passed on. */
export function write(writer: PackWriter, message: Message): void {
  const { target, timeoutMs } = message.members;
  if (target === undefined) {
    writeMessage(writer, message);
    return;
  }
  const own = new PackWriter();
  writeMessage(own, message);
  const reader = new PackReader();
  reader.open(own.take(0));
  reader.next();
  writer.forwardCall(reader, message.id, target as number, timeoutMs as number);
}

export function message(
  kind: MessageKind,
  id: number,
  members: Readonly<Record<string, unknown>> = {},
  body: Uint8Array | string = NOTHING,
): Message {
  return { kind, id, members, body: typeof body === 'string' ? Buffer.from(body) : body };
}

export function callOf(
  id: number,
  members: Readonly<Record<string, unknown>> = {},
  body: Uint8Array | string = NOTHING,
): Message {
  return message('call', id, { service: 'echo', method: 'do', timeoutMs: 1_000, ...members }, body);
}

export function serveOf(id: number, members: Readonly<Record<string, unknown>> = {}): Message {
  const terms = { worker: 'w', service: 'echo', version: '1', methods: ['do'], concurrency: 8 };
  return message('serve', id, { ...terms, ...members });
}

export function messagesOf(frames: readonly Buffer[]): Message[] {
  const reader = new PackReader();
  const messages: Message[] = [];
  reader.open(frames);
  while (reader.next()) {
    const read = readMessage(reader);
    if (read !== undefined) messages.push({ ...read, body: Buffer.from(read.body) });
  }
  return messages;
}

/** A caller or worker at a broker core. What the broker says arrives when its turn ends. */
export class WirePeer implements PeerLink {
  readonly local: boolean;
  congested = false;
  /** All that it was told, in order. */
  readonly received: Message[] = [];
  readonly #peer: Peer;

  constructor(accept: (link: PeerLink) => Peer, { local = true } = {}) {
    this.local = local;
    this.#peer = accept(this);
  }

  send(frames: Buffer[]): void {
    this.received.push(...messagesOf(frames));
  }

  /** Sends it, and waits until the broker has said what it has to say. */
  async say(...messages: readonly Message[]): Promise<void> {
    await this.sayFrames(packOf(...messages));
  }

  async sayFrames(frames: readonly Buffer[]): Promise<void> {
    this.receive(frames);
    await endOfTurn();
  }

  /** The broker gets these frames; what it says to that comes when its turn ends. */
  receive(frames: readonly Buffer[]): void {
    this.#peer.receive(frames);
  }

  async leave(): Promise<void> {
    this.#peer.lost();
    await endOfTurn();
  }

  of(kind: MessageKind): Message[] {
    return this.received.filter((one) => one.kind === kind);
  }

  forget(): void {
    this.received.length = 0;
  }
}

/** A broker of which the test plays the part. */
export class FakeBroker implements Connector {
  readonly local: boolean;
  readonly received: Message[] = [];
  /** Links opened so far. */
  opened = 0;
  congested = false;
  #events: LinkEvents | undefined;

  constructor({ local = true } = {}) {
    this.local = local;
  }

  open(events: LinkEvents) {
    this.opened++;
    this.#events = events;
    const broker = this;
    return {
      hasUnsent: false,
      get congested() {
        return broker.congested;
      },
      send: (frames: Buffer[]) => void this.received.push(...messagesOf(frames)),
      close: async () => {
        if (this.#events === events) this.#events = undefined;
      },
    };
  }

  async say(...messages: readonly Message[]): Promise<void> {
    await this.sayFrames(packOf(...messages));
  }

  async sayFrames(frames: readonly Buffer[]): Promise<void> {
    this.receive(frames);
    await endOfTurn();
  }

  /** The caller or worker gets these frames. */
  receive(frames: readonly Buffer[]): void {
    this.#events?.onMessage(frames);
  }

  async vanish(): Promise<void> {
    this.#events?.onBroken();
    await endOfTurn();
  }

  of(kind: MessageKind): Message[] {
    return this.received.filter((one) => one.kind === kind);
  }
}

/** After all that was to be done in this turn of the event loop, promises among it. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
