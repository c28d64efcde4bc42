/**
 * A broadcast node: takes publish packs, gives priority messages their version, passes everything on to the peers that
 * want it, and answers. State and bytes only; sockets are what hands it packs and subscriptions, and sends what it says.
 */
import { ImError, isGroupId, type Lane, type Publication } from '@im/protocol';
import type { Clock, Counter, Logger, Metrics, Random, Timer } from '@im/protocol/ports';
import type { Sequenced, Sequencer } from '../broadcast.js';
import { LocalNode } from '../memory/local-node.js';
import { NodeFigures } from '../memory/node-figures.js';
import { checkGroup, checkPublication } from '../publication-checks.js';
import { ADDRESS_END, DELIVER, FLAG_ANSWER, INTEREST_MARK, MARKER_MARK, PUBLISH } from '../wire/bus-format.js';
import { MessageReader } from '../wire/message.js';
import { isPeer, PublishPackReader } from '../wire/publish-pack-reader.js';
import { InterestTable } from './interest-table.js';
import { Outboxes } from './outboxes.js';
import type { PeerOutbox, SendPack } from './peer-outbox.js';

export interface NodeLimits {
  /** Priority messages from arrival to delivery. Default 100,000. */
  readonly maxPriorityMessages?: number;
  /** Of their bodies. Default 64 MiB. */
  readonly maxPriorityBytes?: number;
  /** Publishers and subscribers, each a process. Default 4,096. */
  readonly maxPeers?: number;
  /** Groups of all peers together. Default 4,000,000. */
  readonly maxInterests?: number;
}

export interface BroadcastNodeOptions extends NodeLimits {
  readonly sequencer: Sequencer;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly send: SendPack;
  /** Runs it when nothing more is at hand: then packs go, full or not. */
  readonly defer: (run: () => void) => void;
}

const ALIVE_MS = 1_000;
/** Complaints about foreign bytes and limits. */
const COMPLAIN_EVERY_MS = 60_000;
const SUBSCRIBED = 1;

export class BroadcastNode {
  readonly #options: BroadcastNodeOptions;
  /** Tells one life of this node from the next. */
  readonly #incarnation: number;
  readonly #outboxes: Outboxes;
  readonly #interests: InterestTable;
  readonly #local: LocalNode;
  readonly #figures: NodeFigures;
  readonly #malformed: Counter;
  readonly #refused: Counter;
  readonly #reader = new PublishPackReader();
  readonly #message = new MessageReader();
  #alive: Timer | undefined;
  #complainedAt = -COMPLAIN_EVERY_MS;

  constructor(options: BroadcastNodeOptions) {
    const { sequencer, clock, metrics, send, defer, random } = options;
    this.#options = options;
    this.#incarnation = Math.floor(random() * 0xffff_ffff);
    this.#outboxes = new Outboxes({ node: this.#incarnation, send, defer });
    this.#interests = new InterestTable(this.#outboxes);
    this.#figures = new NodeFigures(metrics);
    this.#malformed = metrics.counter('im_broadcast_malformed_total', {
      help: 'Packs and subscriptions that are none.',
    });
    this.#refused = metrics.counter('im_broadcast_refused_subscriptions_total', {
      help: 'Beyond the limits of the node.',
    });
    this.#local = new LocalNode({
      sequencer,
      outlet: this.#interests,
      clock,
      figures: this.#figures,
      maxNormalMessages: 0,
      maxPriorityMessages: options.maxPriorityMessages ?? 100_000,
      maxLaneBytes: options.maxPriorityBytes ?? 67_108_864,
    });
    metrics.observe('im_broadcast_peers', { help: 'Publishers and subscribers.' }, () => this.#outboxes.size);
    metrics.observe(
      'im_broadcast_subscriptions',
      { help: 'Groups of all peers together.' },
      () => this.#interests.interests,
    );
    this.#beat();
  }

  /** Whether the priority lane should wait: publishers are then held back. */
  get isCrowded(): boolean {
    return this.#local.isCrowded;
  }

  /** Settles after a turn in which messages under way went on. */
  turn(): Promise<void> {
    return this.#local.turn();
  }

  /** A pack of the normal lane. What is malformed is counted and costs nobody else anything. */
  takeNormal(pack: Buffer): void {
    const reader = this.#reader;
    let published = 0;
    let delivered = 0;
    let broken: unknown;
    try {
      reader.open(pack);
      while (reader.next()) {
        const { kind, groups, count, start, end } = reader;
        published += count;
        if (kind === PUBLISH.run) delivered += count * this.#interests.pickRun(reader);
        else {
          this.#interests.passPicked(pack);
          delivered += this.#interests.passMany(groups, pack, start, end);
        }
      }
    } catch (error) {
      broken = error;
    }
    this.#interests.passPicked(pack);
    this.#figures.publishedNormal.add(published);
    this.#figures.delivered.add(delivered);
    if (broken !== undefined) {
      this.#complain('a pack is malformed', broken);
      return;
    }
    if ((reader.flags & FLAG_ANSWER) !== 0) this.#number(this.#outboxes.get(reader.peer), DELIVER.taken, reader.pack);
  }

  /** A pack of the priority lane. */
  takePriority(pack: Buffer): void {
    const reader = this.#reader;
    try {
      reader.open(pack);
      const { peer } = reader;
      while (reader.next()) {
        if (reader.kind === PUBLISH.run) this.#takeRun(peer, pack);
        else this.#takeMany(peer, pack);
      }
    } catch (error) {
      this.#complain('a pack is malformed', error);
    }
  }

  /** What a subscriber's socket says: one byte, then what it wants (1) or wants no more (0). */
  takeSubscription(lane: Lane, bytes: Buffer): void {
    const wants = bytes[0] === SUBSCRIBED;
    const text = bytes.toString('latin1', 1);
    const peer = text.slice(0, 8);
    const mark = text[8];
    const rest = text.slice(9);
    if (!isPeer(peer)) this.#complain('a subscription is malformed');
    else if (mark === ADDRESS_END && rest === '') this.#takeAddress(peer, lane, wants);
    else if (mark === INTEREST_MARK && rest.startsWith(MARKER_MARK)) {
      if (wants) this.#takeMarker(peer, rest);
    } else if (mark === INTEREST_MARK && isGroupId(rest)) this.#takeInterest(peer, rest, wants);
    else this.#complain('a subscription is malformed');
  }

  /** Resolves when everything taken was passed on. */
  async drained(): Promise<void> {
    await this.#local.drained();
    this.#outboxes.flush();
  }

  close(): void {
    this.#alive?.cancel();
    this.#local.close();
  }

  #takeRun(peer: string, pack: Buffer): void {
    const { group, number, count, end } = this.#reader;
    let { start } = this.#reader;
    for (let place = 0; place < count; place++) {
      start = this.#message.read(pack, start);
      void this.#append(peer, (number + place) >>> 0, group, this.#publication());
    }
    if (start !== end) throw new ImError('MALFORMED');
  }

  async #append(peer: string, number: number, group: string, publication: Publication): Promise<void> {
    try {
      checkGroup(group);
      checkPublication(publication);
      this.#answer(peer, number, 0, await this.#local.publishPriority(group, publication));
    } catch (error) {
      this.#answer(peer, number, 0, ImError.wrap(error));
    }
  }

  #takeMany(peer: string, pack: Buffer): void {
    const { groups, number, start } = this.#reader;
    this.#message.read(pack, start);
    void this.#appendMany(peer, number, [...groups], this.#publication());
  }

  async #appendMany(peer: string, number: number, groups: readonly string[], publication: Publication): Promise<void> {
    try {
      for (const group of groups) checkGroup(group);
      checkPublication(publication);
      const { refused, outcomes } = this.#local.publishPriorityToMany(groups, publication);
      const settled = await outcomes;
      groups.forEach((group, place) => {
        const outcome = refused.get(group) ?? settled.get(group) ?? new ImError('INTERNAL');
        this.#answer(peer, number, place, outcome);
      });
    } catch (error) {
      groups.forEach((_, place) => {
        this.#answer(peer, number, place, ImError.wrap(error));
      });
    }
  }

  #publication(): Publication {
    const { event, body, time, id } = this.#message;
    return id === undefined ? { lane: 'priority', event, body, time } : { lane: 'priority', event, body, time, id };
  }

  #answer(peer: string, number: number, place: number, outcome: Sequenced | Error): void {
    const outbox = this.#outboxes.get(peer)?.priority;
    if (outbox === undefined) return;
    if (outcome instanceof Error) {
      outbox.writer.failed(number, place, JSON.stringify(ImError.wrap(outcome).toBody()));
    } else {
      outbox.writer.sequenced(number, place, outcome, outcome.duplicate);
    }
    this.#outboxes.written(outbox, 'priority');
  }

  #takeAddress(peer: string, lane: Lane, wants: boolean): void {
    if (wants && this.#outboxes.get(peer) === undefined && this.#outboxes.size >= (this.#options.maxPeers ?? 4_096)) {
      this.#refused.add();
      this.#complain('there are too many peers');
      return;
    }
    const outbox = this.#outboxes.open(peer);
    outbox[lane].isOpen = wants;
    if (wants) {
      outbox[lane].writer.number(DELIVER.welcome, 0);
      this.#outboxes.written(outbox[lane], lane);
      if (lane === 'normal') this.#interests.tellBases(outbox);
    } else if (!outbox.normal.isOpen && !outbox.priority.isOpen) this.#forgetIfGone(outbox);
  }

  #takeInterest(peer: string, group: string, wants: boolean): void {
    // What it wants may come before its address: ZeroMQ repeats subscriptions in an order of its own.
    const outbox = this.#outboxes.open(peer);
    if (!wants) {
      this.#interests.remove(group, outbox);
      this.#forgetIfGone(outbox);
    } else if (this.#interests.interests >= (this.#options.maxInterests ?? 4_000_000)) {
      this.#refused.add();
      this.#complain('there are too many subscriptions');
    } else this.#interests.add(group, outbox);
  }

  /** `~<number>`, or `~b<number>`: the peer has missed packs and wants to know where the normal lanes stand. */
  #takeMarker(peer: string, rest: string): void {
    const outbox = this.#outboxes.get(peer);
    if (outbox === undefined) return;
    const wantsBases = rest[1] === 'b';
    if (wantsBases) this.#interests.tellBases(outbox);
    this.#number(outbox, DELIVER.marker, Number(rest.slice(wantsBases ? 2 : 1)));
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
        for (const outbox of this.#outboxes.all()) {
          for (const lane of ['priority', 'normal'] as const) {
            outbox[lane].writer.number(DELIVER.alive, 0);
            this.#outboxes.written(outbox[lane], lane);
          }
        }
        this.#beat();
      },
      { background: true },
    );
  }

  #complain(message: string, error?: unknown): void {
    this.#malformed.add();
    const now = this.#options.clock.monotonic();
    if (now - this.#complainedAt < COMPLAIN_EVERY_MS) return;
    this.#complainedAt = now;
    this.#options.logger.warn(message, { ...(error !== undefined && { error }) });
  }
}
