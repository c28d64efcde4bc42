/**
 * What this process has with one broadcast node: knows whether the node lives, whether everything that was subscribed is
 * in force there, and what was lost on the way. Must not know sockets, nor other nodes.
 *
 * | state      | until |
 * |------------|-------|
 * | connecting | the node has greeted on both lanes |
 * | settling   | the node has answered a marker that was set after the greetings: all subscriptions are in force |
 * | up         | it greets again (a connection was made anew: settling), is another life of the node (settling), or is silent (connecting) |
 */
import type { Delivery, ErrorBody, Lane, Position } from '@im/protocol';
import type { Clock } from '@im/protocol/ports';
import { AliasTable } from '../wire/alias-table.js';
import { ADDRESS_END, DELIVER, INTEREST_MARK, MARKER_MARK } from '../wire/bus-format.js';
import { type DeliveryPackHandler, DeliveryPackReader, type RunReader } from '../wire/delivery-pack-reader.js';
import type { NameBatch } from '../wire/name-table.js';
import { LaneSender } from './lane-sender.js';
import type { LinkFigures } from './link-figures.js';
import type { LinkTransport, NodeAddresses, OpenLink } from './link-transport.js';
import { Markers } from './markers.js';
import { Positions } from './positions.js';
import type { Subscription } from './subscription.js';
import type { Subscriptions } from './subscriptions.js';

export interface NodeLinkEvents {
  /** Everything subscribed is in force, for the first time or again. */
  onUp(link: NodeLink): void;
  onDown(link: NodeLink): void;
  /** The node began anew so fast that it was not missed: it takes what comes, and what it had is lost. */
  onRestart(link: NodeLink): void;
  onHead(subscription: Subscription, position: Position): void;
  onLoss(subscription: Subscription, count: number | undefined): void;
  /** Whether what is published to the group goes to that node, while it is in reach. */
  owns(link: NodeLink, group: string): boolean;
  /** Something of the priority lane may have been lost although the node lives. */
  onGap(): void;
  onSequenced(link: NodeLink, number: number, place: number, position: Position, isDuplicate: boolean): void;
  onFailed(link: NodeLink, number: number, place: number, error: ErrorBody): void;
}

export interface NodeLinkOptions {
  readonly peer: string;
  readonly addresses: NodeAddresses;
  readonly open: OpenLink;
  readonly clock: Clock;
  readonly defer: (run: () => void) => void;
  readonly subscriptions: Subscriptions;
  readonly figures: LinkFigures;
  readonly events: NodeLinkEvents;
}

/** A node says something each second. */
const SILENT_MS = 3_500;
const LANES = ['normal', 'priority'] as const;

interface LaneState {
  hasGreeted: boolean;
  heardAt: number;
  /** The pack that came last; 0 before the first. */
  pack: number;
  /** Whether the pack at hand holds a greeting. */
  isGreeting: boolean;
}

export class NodeLink implements DeliveryPackHandler<Subscription> {
  readonly addresses: NodeAddresses;
  readonly normal: LaneSender;
  readonly priority: LaneSender;
  readonly #options: NodeLinkOptions;
  readonly #transport: LinkTransport;
  readonly #subscriptions: Subscriptions;
  readonly #reader = new DeliveryPackReader<Subscription>(this);
  /** By the numbers that this life of the node gives to groups. */
  readonly #aliases = new AliasTable<Subscription>();
  readonly #positions = new Positions();
  readonly #lanes: Readonly<Record<Lane, LaneState>>;
  #state: 'connecting' | 'settling' | 'up' = 'connecting';
  #incarnation: number | undefined;
  readonly #markers: Markers;
  /** Whether packs of the normal lane were missed since bases were last asked for. */
  #hasMissed = false;
  #isClosed = false;
  /** Messages of the pack at hand. */
  #received = 0;

  constructor(options: NodeLinkOptions) {
    const { peer, addresses, open, clock, defer, subscriptions, figures } = options;
    this.#options = options;
    this.#subscriptions = subscriptions;
    this.addresses = addresses;
    const lane = (): LaneState => ({ hasGreeted: false, heardAt: clock.monotonic(), pack: 0, isGreeting: false });
    this.#lanes = { normal: lane(), priority: lane() };
    this.#transport = open(addresses, (on, pack, shared) => this.#take(on, pack, shared));
    const transport = this.#transport;
    this.#markers = new Markers(clock, (name) => {
      transport.subscribe('priority', this.#topic(MARKER_MARK + name));
      transport.unsubscribe('priority', this.#topic(MARKER_MARK + name));
    });
    this.normal = new LaneSender({ peer, lane: 'normal', transport, defer, sent: figures.sent.normal });
    this.priority = new LaneSender({ peer, lane: 'priority', transport, defer, sent: figures.sent.priority });
    for (const on of LANES) transport.subscribe(on, peer + ADDRESS_END);
    for (const group of subscriptions.groups()) this.subscribe(group);
  }

  /** Whether publications may go there. */
  get isUp(): boolean {
    return this.#state !== 'connecting';
  }

  subscribe(group: string): void {
    this.#transport.subscribe('priority', this.#topic(group));
  }

  /** It is withdrawn: its index may be another's afterwards. */
  unsubscribe({ group, index }: Subscription): void {
    this.#transport.unsubscribe('priority', this.#topic(group));
    this.#positions.forget(index);
  }

  /** Resolves when what was subscribed before is in force, or the node is not there any more. */
  settled(): Promise<void> {
    return new Promise((resolve) => this.#markers.set('', resolve));
  }

  /** Looks whether the node has been heard of. @param wasAway nobody looked for long: the silence may have been ours */
  check(now: number, wasAway: boolean): void {
    for (const on of LANES) {
      const lane = this.#lanes[on];
      if (wasAway) lane.heardAt = now;
      else if ((this.isUp || lane.hasGreeted) && now - lane.heardAt > SILENT_MS) this.#fall();
    }
    this.normal.check();
    if (this.#hasMissed) this.#askForBases();
    this.#markers.check(now);
  }

  /** For good. */
  close(error: Error): void {
    this.#isClosed = true;
    this.#state = 'connecting';
    this.#forgetPositions();
    this.normal.close(error);
    this.priority.close(error);
    this.#markers.end();
    this.#transport.close();
  }

  find(alias: number, bytes: Buffer, at: number, length: number): Subscription | undefined {
    const known = this.#aliases.get(alias);
    // Nobody may want it any more, or another may have taken its place.
    if (known?.first !== undefined) return known;
    const found = this.#subscriptions.find(bytes, at, length);
    if (found !== undefined) this.#aliases.set(alias, found);
    return found;
  }

  findBatch(bytes: Buffer, batch: NameBatch<Subscription>): void {
    this.#subscriptions.findBatch(bytes, batch);
  }

  onRun(subscription: Subscription, position: number, run: RunReader): void {
    const { index } = subscription;
    const known = this.#positions.get(index);
    if (known !== position && !Number.isNaN(known)) {
      this.#options.events.onLoss(subscription, position > known ? position - known : undefined);
    }
    this.#positions.set(index, position + run.count);
    this.#received += run.count;
    for (let left = run.count; left > 0; left--) this.#subscriptions.deliver(subscription, run.next());
  }

  onVersioned(subscription: Subscription, delivery: Delivery): void {
    this.#received++;
    this.#subscriptions.deliver(subscription, delivery);
  }

  onBase(subscription: Subscription, position: number, isFresh: boolean): void {
    const known = this.#positions.get(subscription.index);
    this.#positions.set(subscription.index, position);
    if (Number.isNaN(known) || known === position) return;
    const isExact = !isFresh && position > known;
    this.#options.events.onLoss(subscription, isExact ? position - known : undefined);
  }

  onHead(subscription: Subscription, epoch: string, version: number): void {
    this.#options.events.onHead(subscription, { epoch, version });
  }

  onNumber(kind: number, number: number): void {
    if (kind === DELIVER.marker) this.#markers.answered(number);
    else if (kind === DELIVER.taken) this.normal.taken(number);
    else if (kind === DELIVER.welcome) this.#lanes[this.#reader.lane].isGreeting = true;
  }

  onSequenced(number: number, place: number, epoch: string, version: number, isDuplicate: boolean): void {
    this.#options.events.onSequenced(this, number, place, { epoch, version }, isDuplicate);
  }

  onFailed(number: number, place: number, error: ErrorBody): void {
    this.#options.events.onFailed(this, number, place, error);
  }

  #topic(group: string): string {
    return this.#options.peer + INTEREST_MARK + group;
  }

  #take(on: Lane, pack: Buffer, shared: Buffer | undefined): void {
    if (this.#isClosed) return;
    const lane = this.#lanes[on];
    const reader = this.#reader;
    let expected = 0;
    lane.isGreeting = false;
    try {
      reader.open(pack);
      if (reader.node !== this.#incarnation) this.#begin(reader.node);
      expected = lane.pack + 1;
      lane.pack = reader.pack;
      lane.heardAt = this.#options.clock.monotonic();
      reader.read(shared);
    } catch {
      this.#options.figures.malformed.add();
    }
    if (this.#received > 0) this.#options.figures.received[on].add(this.#received);
    this.#received = 0;
    if (this.#isClosed) return;
    if (lane.isGreeting) this.#greeted(lane);
    else if (expected > 1 && reader.pack > expected) this.#missed(on, reader.pack - expected);
  }

  /** Another life of the node: it has counted from the start. */
  #begin(incarnation: number): void {
    if (this.#incarnation !== undefined) this.#restart();
    this.#incarnation = incarnation;
    this.#aliases.clear();
    for (const on of LANES) this.#lanes[on].pack = 0;
  }

  /** What is published goes on to it all the same: to go elsewhere for a moment would let messages overtake those before them. */
  #restart(): void {
    const wasUp = this.isUp;
    this.#forget();
    if (!wasUp) return;
    this.#state = 'settling';
    for (const on of LANES) this.#lanes[on].heardAt = this.#options.clock.monotonic();
    this.#options.events.onRestart(this);
  }

  #greeted(lane: LaneState): void {
    lane.hasGreeted = true;
    if (!LANES.every((on) => this.#lanes[on].hasGreeted)) return;
    this.#state = 'settling';
    // Subscriptions are repeated after a reconnect in any order: only a marker set now comes after all of them.
    this.#markers.set('', () => {
      if (this.#state !== 'settling') return;
      this.#state = 'up';
      this.#options.events.onUp(this);
    });
  }

  #missed(on: Lane, packs: number): void {
    this.#options.figures.missed[on].add(packs);
    if (on === 'priority') this.#options.events.onGap();
    else this.#hasMissed = true;
  }

  /** Now and then: what follows tells most of what was missed, and there may be many groups. */
  #askForBases(): void {
    this.#hasMissed = false;
    this.#markers.set('b', () => {});
  }

  /** The node is gone. */
  #fall(): void {
    const wasUp = this.isUp;
    this.#forget();
    this.#state = 'connecting';
    if (wasUp) this.#options.events.onDown(this);
  }

  /** What it was told is no more, and what it had on the normal lane is unknown. */
  #forget(): void {
    this.#hasMissed = false;
    for (const on of LANES) this.#lanes[on].hasGreeted = false;
    this.#forgetPositions();
    this.#markers.end();
  }

  /** How many more messages the node had is unknown: of groups that it had some of, and of those whose first one it may have had. */
  #forgetPositions(): void {
    const { events } = this.#options;
    for (const subscription of this.#subscriptions.all()) {
      const known = this.#positions.get(subscription.index);
      this.#positions.forget(subscription.index);
      if (known > 0 || (known === 0 && events.owns(this, subscription.group))) events.onLoss(subscription, undefined);
    }
  }
}
