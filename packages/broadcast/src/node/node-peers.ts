/**
 * The peers of a node: who is connected, what each wants, what each is answered. State and bytes only. Must not know
 * where what is passed on comes from.
 */
import { ImError, isGroupId, type Lane } from '@im/protocol';
import type { Clock, Counter, Logger, Metrics, Random, Timer } from '@im/protocol/ports';
import type { Sequenced } from '../broadcast.js';
import { ADDRESS_END, DELIVER, INTEREST_MARK, MARKER_MARK } from '../wire/bus-format.js';
import { isPeer } from '../wire/publish-pack-reader.js';
import { InterestTable } from './interest-table.js';
import { Outboxes } from './outboxes.js';
import type { PeerOutbox, SendPack } from './peer-outbox.js';

export interface PeerLimits {
  /** Publishers and subscribers, each a process. Default 4,096. */
  readonly maxPeers?: number;
  /** Groups of all peers together. Default 4,000,000. */
  readonly maxInterests?: number;
}

export interface NodePeersOptions extends PeerLimits {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly send: SendPack;
  /** Runs it when nothing more is at hand: then packs go, full or not. */
  readonly defer: (run: () => void) => void;
  /** Where the node gets groups from, if it has to ask for them. */
  readonly source?: GroupSource;
}

/** Who must be told what peers want. */
export interface GroupSource {
  /** Whether a group can be had there; others are refused. */
  has(group: string): boolean;
  /** The first peer wants it. */
  want(group: string): void;
  /** The last one wants it no more. */
  release(group: string): void;
  /** Settles when everything wanted so far comes; only then are peers told so. */
  settled(): Promise<void>;
}

const ALIVE_MS = 1_000;
/** Complaints about foreign bytes and limits. */
const COMPLAIN_EVERY_MS = 60_000;
const SUBSCRIBED = 1;

export class NodePeers {
  readonly interests: InterestTable;
  readonly #options: NodePeersOptions;
  readonly #outboxes: Outboxes;
  readonly #malformed: Counter;
  readonly #refused: Counter;
  #alive: Timer | undefined;
  #isSilent = false;
  #complainedAt = -COMPLAIN_EVERY_MS;

  constructor(options: NodePeersOptions) {
    const { random, metrics, send, defer } = options;
    this.#options = options;
    // It tells one life of this node from the next.
    this.#outboxes = new Outboxes({ node: Math.floor(random() * 0xffff_ffff), send, defer });
    this.interests = new InterestTable(this.#outboxes);
    this.#malformed = metrics.counter('im_broadcast_malformed_total', {
      help: 'Packs and subscriptions that are none.',
    });
    this.#refused = metrics.counter('im_broadcast_refused_subscriptions_total', {
      help: 'Beyond the limits of the node.',
    });
    metrics.observe('im_broadcast_peers', { help: 'Publishers and subscribers.' }, () => this.#outboxes.size);
    metrics.observe(
      'im_broadcast_subscriptions',
      { help: 'Groups of all peers together.' },
      () => this.interests.interests,
    );
    this.#beat();
  }

  /** What a subscriber's socket says: one byte, then what it wants (1) or wants no more (0). */
  takeSubscription(lane: Lane, bytes: Buffer): void {
    const wants = bytes[0] === SUBSCRIBED;
    const text = bytes.toString('latin1', 1);
    const peer = text.slice(0, 8);
    const mark = text[8];
    const rest = text.slice(9);
    if (!isPeer(peer)) this.complain('a subscription is malformed');
    else if (mark === ADDRESS_END && rest === '') this.#takeAddress(peer, lane, wants);
    else if (mark === INTEREST_MARK && rest.startsWith(MARKER_MARK)) {
      if (wants) void this.#takeMarker(peer, rest);
    } else if (mark === INTEREST_MARK && isGroupId(rest)) this.#takeInterest(peer, rest, wants);
    else this.complain('a subscription is malformed');
  }

  /** By its name, if it has said its address. */
  find(peer: string): PeerOutbox | undefined {
    return this.#outboxes.get(peer);
  }

  /** What became of a publication. @param place of the group, where it went to many */
  answer(peer: string, number: number, place: number, outcome: Sequenced | Error): void {
    const outbox = this.#outboxes.get(peer)?.priority;
    if (outbox === undefined) return;
    if (outcome instanceof Error) {
      outbox.writer.failed(number, place, JSON.stringify(ImError.wrap(outcome).toBody()));
    } else {
      outbox.writer.sequenced(number, place, outcome, outcome.duplicate);
    }
    this.#outboxes.written(outbox, 'priority');
  }

  /** A pack of the normal lane was taken. */
  taken(peer: string, pack: number): void {
    this.#number(this.#outboxes.get(peer), DELIVER.taken, pack);
  }

  /**
   * Peers take a node that says nothing for a while as out of reach, and one that speaks again as just come: they set markers and
   * compare positions.
   */
  setSilent(isSilent: boolean): void {
    if (isSilent === this.#isSilent) return;
    this.#isSilent = isSilent;
    if (isSilent) return;
    for (const outbox of this.#outboxes.all()) {
      for (const lane of ['priority', 'normal'] as const) this.#greet(outbox, lane);
    }
  }

  /**
   * Something of the priority lane may have been lost before it came here: peers see a gap and compare positions. What they have
   * published is not concerned, as it would be by a greeting.
   */
  tellGap(): void {
    if (this.#isSilent) return;
    for (const outbox of this.#outboxes.all()) {
      outbox.priority.skip();
      this.#number(outbox, DELIVER.alive, 0);
    }
  }

  flush(): void {
    this.#outboxes.flush();
  }

  close(): void {
    this.#alive?.cancel();
  }

  /** Foreign bytes, or a limit that was reached: counted, and said now and then. */
  complain(message: string, error?: unknown): void {
    this.#malformed.add();
    const now = this.#options.clock.monotonic();
    if (now - this.#complainedAt < COMPLAIN_EVERY_MS) return;
    this.#complainedAt = now;
    this.#options.logger.warn(message, { ...(error !== undefined && { error }) });
  }

  #takeAddress(peer: string, lane: Lane, wants: boolean): void {
    const outbox = wants ? this.#open(peer) : this.#outboxes.get(peer);
    if (outbox === undefined) return;
    outbox[lane].isOpen = wants;
    if (wants) {
      this.#greet(outbox, lane);
      if (lane === 'normal') this.interests.tellBases(outbox);
    } else if (!outbox.normal.isOpen && !outbox.priority.isOpen) this.#forgetIfGone(outbox);
  }

  #greet(outbox: PeerOutbox, lane: Lane): void {
    if (this.#isSilent || !outbox[lane].isOpen) return;
    outbox[lane].writer.number(DELIVER.welcome, 0);
    this.#outboxes.written(outbox[lane], lane);
  }

  #takeInterest(peer: string, group: string, wants: boolean): void {
    const { maxInterests = 4_000_000, source } = this.#options;
    const wasWanted = this.interests.has(group);
    if (!wants) {
      const outbox = this.#outboxes.get(peer);
      if (outbox === undefined) return;
      this.interests.remove(group, outbox);
      this.#forgetIfGone(outbox);
      if (wasWanted && !this.interests.has(group)) source?.release(group);
    } else if (this.interests.interests >= maxInterests) {
      this.#refused.add();
      this.complain('there are too many subscriptions');
    } else if (source?.has(group) === false) {
      this.#refused.add();
      this.complain('a group is wanted that does not come from here');
    } else {
      // What it wants may come before its address: ZeroMQ repeats subscriptions in an order of its own.
      const outbox = this.#open(peer);
      if (outbox === undefined) return;
      this.interests.add(group, outbox);
      if (!wasWanted) source?.want(group);
    }
  }

  /** Undefined, and said, when there are too many. */
  #open(peer: string): PeerOutbox | undefined {
    const known = this.#outboxes.get(peer);
    if (known !== undefined) return known;
    if (this.#outboxes.size < (this.#options.maxPeers ?? 4_096)) return this.#outboxes.open(peer);
    this.#refused.add();
    this.complain('there are too many peers');
    return undefined;
  }

  /** `~<number>`, or `~b<number>`: the peer has missed packs and wants to know where the normal lanes stand. */
  async #takeMarker(peer: string, rest: string): Promise<void> {
    const outbox = this.#outboxes.get(peer);
    if (outbox === undefined) return;
    const wantsBases = rest[1] === 'b';
    if (wantsBases) this.interests.tellBases(outbox);
    const number = Number(rest.slice(wantsBases ? 2 : 1));
    const { source } = this.#options;
    if (source === undefined) {
      this.#number(outbox, DELIVER.marker, number);
      return;
    }
    try {
      await source.settled();
      if (!this.#isSilent) this.#number(outbox, DELIVER.marker, number);
    } catch {
      // It closes. The peer sets the marker again, here or elsewhere.
    }
  }

  #forgetIfGone(outbox: PeerOutbox): void {
    const isGone = !outbox.normal.isOpen && !outbox.priority.isOpen && outbox.groups.size === 0;
    if (isGone) this.#outboxes.forget(outbox.peer);
  }

  #number(outbox: PeerOutbox | undefined, kind: number, number: number): void {
    if (outbox === undefined) return;
    outbox.priority.writer.number(kind, number);
    this.#outboxes.written(outbox.priority, 'priority');
  }

  #beat(): void {
    this.#alive = this.#options.clock.after(
      ALIVE_MS,
      () => {
        if (!this.#isSilent) this.#sayAlive();
        this.#beat();
      },
      { background: true },
    );
  }

  #sayAlive(): void {
    for (const outbox of this.#outboxes.all()) {
      for (const lane of ['priority', 'normal'] as const) {
        outbox[lane].writer.number(DELIVER.alive, 0);
        this.#outboxes.written(outbox[lane], lane);
      }
    }
  }
}
