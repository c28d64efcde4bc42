/**
 * Everything this process publishes, on its way to the server: what a turn of the event loop brings to a channel is a pack, a
 * lone message goes out at its end; while the server is busy packs grow. Owns queues, limits and the order of lanes. Must not
 * know sequencers or what a link is made of.
 */
import { ImError, type Lane, type Position, type Publication, topicOf } from '@im/protocol';
import { Fifo } from '../memory/fifo.js';
import { type Channel, NormalChannel, PriorityChannel } from './channel.js';
import { type Pack, Taken } from './pack.js';
import type { PubSubFigures } from './pubsub-figures.js';
import type { PubSubLink, PubSubMessage } from './pubsub-link.js';

export interface OutboxOptions {
  /** Of this process: a random whole number. */
  readonly sender: number;
  readonly channelOf: (topic: string) => string;
  /** Runs it when the calls at hand are over. */
  readonly defer: (run: () => void) => void;
  readonly figures: PubSubFigures;
  /** Normal messages that wait; beyond, new ones are refused, or dropped and subscribers told. */
  readonly maxNormalMessages: number;
  /** Of the waiting bodies of the normal lane. */
  readonly maxNormalBytes: number;
}

/** Bytes under way without an answer; beyond, packs wait and grow. */
const WINDOW_BYTES = 1_048_576;
/** Packs under way. */
const WINDOW_PACKS = 2_048;
/** Of them of one channel: a slow answer holds up neither the others nor all of its own. */
const CHANNEL_PACKS = 8;
/** Channels that are remembered; beyond, one that was silent for long begins to count anew. */
const MAX_CHANNELS = 100_000;
/** How many are looked at to find a silent one. */
const LOOKS = 16;

interface Sent {
  readonly channel: Channel;
  readonly pack: Pack;
}

export class Outbox {
  readonly #options: OutboxOptions;
  /** They remember their numbers. */
  readonly #normalChannels = new Map<string, NormalChannel>();
  /** Those that have something to say. */
  readonly #priorityChannels = new Map<string, PriorityChannel>();
  /** Channels with packs that may go. */
  readonly #ready: Readonly<Record<Lane, Fifo<Channel>>> = { normal: new Fifo(), priority: new Fifo() };
  #link: PubSubLink | undefined;
  #isDeferred = false;
  #packsUnderWay = 0;
  #bytesUnderWay = 0;
  #normalMessages = 0;
  #normalBytes = 0;
  #onDrained: (() => void) | undefined;

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  get isUp(): boolean {
    return this.#link !== undefined;
  }

  get normalMessages(): number {
    return this.#normalMessages;
  }

  get normalBytes(): number {
    return this.#normalBytes;
  }

  /**
   * Settles when the server has it; undefined when it was dropped for want of room or of a link: that is counted, and
   * subscribers are told.
   * @throws ImError QUEUE_FULL, UNAVAILABLE instead when `mustArrive`: nothing was taken
   */
  normal(group: string, publication: Publication, mustArrive: boolean): Taken | undefined {
    const { figures, maxNormalMessages, maxNormalBytes } = this.#options;
    if (mustArrive && this.#link === undefined) throw away('the message bus cannot be reached; try again later');
    const channel = this.#normalChannel(group);
    const bytes = this.#normalBytes + publication.body.length;
    const hasRoom = this.#normalMessages < maxNormalMessages && bytes <= maxNormalBytes;
    if (this.#link === undefined || channel === undefined || !hasRoom) {
      if (mustArrive) {
        figures.refused.add();
        throw new ImError('QUEUE_FULL');
      }
      figures.lost.add();
      channel?.drop();
      if (channel !== undefined) this.#queue(channel);
      return undefined;
    }
    this.#normalMessages += 1;
    this.#normalBytes = bytes;
    const taken = channel.push(publication);
    this.#queue(channel);
    return taken;
  }

  /** Settles when the server has it, or it is up to the log and its head. */
  priority(group: string, publication: Publication, position: Position): Taken {
    const channel = this.#priorityChannel(group);
    if (channel === undefined) return settled();
    const taken = channel.push(publication, position);
    if (this.#link === undefined) channel.fail(undefined);
    this.#queue(channel);
    return taken;
  }

  head(group: string, position: Position): void {
    const channel = this.#priorityChannel(group);
    if (channel === undefined) return;
    channel.tellHead(position);
    this.#queue(channel);
  }

  up(link: PubSubLink): void {
    this.#link = link;
    this.#pumpLater();
  }

  /** Whoever waits is answered; what subscribers must learn of it goes out with the next link. */
  down(): void {
    this.#link = undefined;
    const error = away('the message bus cannot be reached; try again later');
    for (const channels of [this.#normalChannels, this.#priorityChannels]) {
      // Those under way are answered by their own failure.
      for (const channel of channels.values()) if (channel.underWay === 0) this.#fail(channel, undefined, error);
    }
    this.#tellDrained();
  }

  /** Resolves when nothing waits and nothing is under way, or nothing can go out. */
  drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#onDrained = resolve;
      this.#tellDrained();
    });
  }

  /** Undefined when there are too many that have something to say. */
  #normalChannel(group: string): NormalChannel | undefined {
    const channels = this.#normalChannels;
    let channel = channels.get(group);
    if (channel === undefined) {
      if (channels.size >= MAX_CHANNELS && !forgetSilent(channels)) return undefined;
      channel = new NormalChannel(group, this.#options.channelOf(topicOf(group, 'normal')));
      channels.set(group, channel);
    }
    channel.wasUsed = true;
    return channel;
  }

  /** Undefined when there are too many that wait for a link. */
  #priorityChannel(group: string): PriorityChannel | undefined {
    const channels = this.#priorityChannels;
    let channel = channels.get(group);
    if (channel === undefined) {
      if (channels.size >= MAX_CHANNELS && this.#link === undefined) return undefined;
      channel = new PriorityChannel(group, this.#options.channelOf(topicOf(group, 'priority')));
      channels.set(group, channel);
    }
    return channel;
  }

  #queue(channel: Channel): void {
    if (channel.isQueued || channel.underWay >= CHANNEL_PACKS) return;
    channel.isQueued = true;
    this.#ready[channel.lane].push(channel);
    this.#pumpLater();
  }

  #pumpLater(): void {
    if (this.#isDeferred || this.#link === undefined) return;
    this.#isDeferred = true;
    this.#options.defer(() => {
      this.#isDeferred = false;
      this.#pump();
    });
  }

  #pump(): void {
    const link = this.#link;
    if (link === undefined) return;
    const sent: Sent[] = [];
    const messages: PubSubMessage[] = [];
    let bytes = 0;
    while (this.#packsUnderWay + sent.length < WINDOW_PACKS && this.#bytesUnderWay + bytes < WINDOW_BYTES) {
      const channel = this.#ready.priority.shift() ?? this.#ready.normal.shift();
      if (channel === undefined) break;
      channel.isQueued = false;
      const pack = channel.shift();
      if (pack === undefined) continue;
      channel.underWay += 1;
      this.#left(channel, pack);
      if (channel.hasPacks) this.#queue(channel);
      const message = { channel: channel.name, bytes: pack.encode(this.#options.sender) };
      bytes += message.bytes.length;
      sent.push({ channel, pack });
      messages.push(message);
    }
    if (sent.length > 0) void this.#send(link, sent, messages, bytes);
    else this.#tellDrained();
  }

  async #send(
    link: PubSubLink,
    sent: readonly Sent[],
    messages: readonly PubSubMessage[],
    bytes: number,
  ): Promise<void> {
    const { figures } = this.#options;
    this.#packsUnderWay += sent.length;
    this.#bytesUnderWay += bytes;
    figures.busMessages.add(sent.length);
    figures.busBytes.add(bytes);
    let refused: ReadonlyMap<number, Error> | undefined;
    let cause: unknown;
    try {
      refused = await link.publish(messages);
    } catch (error) {
      cause = error;
    }
    this.#packsUnderWay -= sent.length;
    this.#bytesUnderWay -= bytes;
    sent.forEach(({ channel, pack }, place) => {
      channel.underWay -= 1;
      if (refused === undefined) {
        const message = 'the connection to the message bus was lost before its answer';
        this.#fail(channel, pack, new ImError('DISCONNECTED', { message, cause }));
      } else if (refused.has(place)) {
        if (channel.lane === 'normal') figures.lost.add(pack.count);
        channel.refuse(pack, away('the message bus refused it', refused.get(place)));
        this.#next(channel);
      } else {
        pack.taken?.resolve();
        this.#next(channel);
      }
    });
    this.#pumpLater();
    if (this.#link === undefined) this.#tellDrained();
  }

  #fail(channel: Channel, sent: Pack | undefined, error: ImError): void {
    for (const pack of channel.fail(sent, error)) {
      if (channel.lane === 'normal') this.#options.figures.lost.add(pack.count);
      if (pack !== sent) this.#left(channel, pack);
    }
    if (channel.hasPacks) this.#queue(channel);
  }

  #left(channel: Channel, pack: Pack): void {
    if (channel.lane !== 'normal') return;
    this.#normalMessages -= pack.count;
    this.#normalBytes -= pack.bodyBytes;
  }

  #next(channel: Channel): void {
    if (channel.hasPacks) this.#queue(channel);
    // One of the normal lane remembers its numbers.
    else if (channel.lane === 'priority' && channel.underWay === 0) this.#priorityChannels.delete(channel.group);
  }

  #tellDrained(): void {
    const isEmpty = this.#ready.normal.length + this.#ready.priority.length === 0;
    if (this.#packsUnderWay > 0 || (this.#link !== undefined && !isEmpty)) return;
    this.#onDrained?.();
    this.#onDrained = undefined;
  }
}

/**
 * One that has nothing to say, rather one that was not used since it was looked at last; those looked at come to the end.
 * @returns whether there was one
 */
function forgetSilent(channels: Map<string, NormalChannel>): boolean {
  let silent: string | undefined;
  let looks = 0;
  for (const [group, channel] of channels) {
    const isSilent = !channel.hasPacks && channel.underWay === 0;
    if (isSilent && !channel.wasUsed) return channels.delete(group);
    if (isSilent) silent ??= group;
    channel.wasUsed = false;
    channels.delete(group);
    channels.set(group, channel);
    looks += 1;
    if (looks === LOOKS) break;
  }
  return silent !== undefined && channels.delete(silent);
}

function settled(): Taken {
  const taken = new Taken();
  taken.resolve();
  return taken;
}

function away(message: string, cause?: unknown): ImError {
  return new ImError('UNAVAILABLE', { message, cause });
}
