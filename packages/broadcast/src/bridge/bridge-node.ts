/**
 * A bridge: a broadcast node for the peers of one cell that gets everything from another cell, the home of its groups. It
 * wants at home what its peers want, passes on what comes with the versions it has, and gives the home what its peers
 * publish; it appends nothing itself. State and bytes only. Must not know sockets.
 */
import { type Delivery, ImError, type Lane, type Publication } from '@im/protocol';
import type { Counter } from '@im/protocol/ports';
import type { Broadcast, Published, Publisher, Sequenced, Subscriber } from '../broadcast.js';
import { type GroupSource, NodePeers, type NodePeersOptions } from '../node/node-peers.js';
import { FLAG_ANSWER, PACK_BYTES, PUBLISH } from '../wire/bus-format.js';
import { MessageReader } from '../wire/message.js';
import { PublishPackReader } from '../wire/publish-pack-reader.js';
import { PublishPackWriter } from '../wire/publish-pack-writer.js';

export interface BridgeLimits {
  /** Priority publications that the home cell has not answered; beyond, publishers get QUEUE_FULL. Default 10,000. */
  readonly maxPriorityMessages?: number;
}

export interface BridgeNodeOptions extends BridgeLimits, Omit<NodePeersOptions, 'source'> {
  /** Used, not owned. */
  readonly home: Broadcast;
  /** Whether a group's home is there: nothing else passes, so that nothing goes in a circle. */
  readonly isHome: (group: string) => boolean;
}

/** One message that was given to the home cell, or could not be. */
interface Given {
  readonly groups: number;
  readonly outcome: Promise<unknown>;
}

/** Packs of the normal lane that the home cell has not acknowledged; then publishers are held back. */
const MAX_NORMAL_PACKS = 64;
/** Deliveries are packed as if a peer had published them; nobody is called so. */
const PACKER = 'bridge--';

export class BridgeNode {
  readonly #options: BridgeNodeOptions;
  readonly #peers: NodePeers;
  readonly #publisher: Publisher;
  readonly #subscriber: Subscriber;
  readonly #reader = new PublishPackReader();
  readonly #message = new MessageReader();
  /** Normal deliveries of this turn. */
  readonly #packer = new PublishPackWriter(PACKER);
  readonly #packed = new PublishPackReader();
  #isPacking = false;
  #packedMessages = 0;
  readonly #maxPriority: number;
  #priorityMessages = 0;
  #normalPacks = 0;
  /** Wait until something that was given to the home cell has its outcome. */
  #waiting: (() => void)[] = [];
  readonly #relayed: Readonly<Record<Lane, Counter>>;
  readonly #forwarded: Readonly<Record<Lane, Counter>>;
  readonly #lost: Counter;
  #isClosed = false;

  constructor(options: BridgeNodeOptions) {
    const { home, metrics, isHome } = options;
    this.#options = options;
    this.#maxPriority = options.maxPriorityMessages ?? 10_000;
    const byLane = (name: string, help: string): Readonly<Record<Lane, Counter>> => {
      const of = (lane: Lane) => metrics.counter(`im_broadcast_bridge_${name}_total`, { help, labels: { lane } });
      return { normal: of('normal'), priority: of('priority') };
    };
    this.#relayed = byLane('relayed', 'Messages of the home cell that peers of this bridge wanted.');
    this.#forwarded = byLane('forwarded', 'Publications that were given to the home cell, one for each group.');
    this.#lost = metrics.counter('im_broadcast_bridge_lost_total', {
      help: 'Normal publications that the home cell could not be given, one for each group.',
    });
    this.#publisher = home.createPublisher();
    this.#subscriber = home.createSubscriber({
      onDelivery: (delivery) => this.#relay(delivery),
      onHead: (group, position) => this.#peers.interests.tellHead(group, position),
      onLoss: (group, count) => {
        // What came before was not lost.
        this.#passPacked();
        this.#peers.interests.tellLoss(group, count);
      },
      onRestored: () => this.#peers.tellGap(),
    });
    const source: GroupSource = {
      has: isHome,
      want: (group) => this.#subscriber.subscribe(group),
      release: (group) => this.#subscriber.unsubscribe(group),
      settled: () => this.#subscriber.settled(),
    };
    this.#peers = new NodePeers({ ...options, source });
    metrics.observe(
      'im_broadcast_bridge_unanswered_messages',
      { help: 'Priority publications that the home cell has not answered.' },
      () => this.#priorityMessages,
    );
  }

  get isCrowded(): boolean {
    return this.#priorityMessages * 2 > this.#maxPriority;
  }

  /** Settles when something that was given to the home cell has its outcome; at once when nothing is under way. */
  turn(): Promise<void> {
    if (this.#priorityMessages + this.#normalPacks === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** While no node of the home cell is in reach peers are to take other bridges. */
  setReach(isHomeInReach: boolean): void {
    this.#peers.setSilent(!isHomeInReach);
  }

  takeSubscription(lane: Lane, bytes: Buffer): void {
    if (!this.#isClosed) this.#peers.takeSubscription(lane, bytes);
  }

  takeNormal(pack: Buffer): Promise<void> | undefined {
    const reader = this.#reader;
    const given: Given[] = [];
    let isWhole = true;
    try {
      reader.open(pack);
      while (reader.next()) this.#forwardNormal(pack, given);
    } catch (error) {
      isWhole = false;
      this.#peers.complain('a pack is malformed', error);
    }
    void this.#acknowledge(given, reader.peer, reader.pack, isWhole && (reader.flags & FLAG_ANSWER) !== 0);
    return this.#normalPacks < MAX_NORMAL_PACKS ? undefined : this.turn();
  }

  takePriority(pack: Buffer): void {
    const reader = this.#reader;
    try {
      reader.open(pack);
      const { peer } = reader;
      while (reader.next()) {
        const { number, kind } = reader;
        if (kind === PUBLISH.run) {
          this.#eachOfRun(pack, 'priority', (group, publication, place) => {
            void this.#forward(peer, (number + place) >>> 0, group, publication);
          });
        } else {
          this.#message.read(pack, reader.start);
          void this.#forwardMany(peer, number, reader.groups(), this.#message.publication('priority'));
        }
      }
    } catch (error) {
      this.#peers.complain('a pack is malformed', error);
    }
  }

  /** Resolves when everything taken has its outcome. */
  async drained(): Promise<void> {
    while (this.#priorityMessages + this.#normalPacks > 0) await this.turn();
    this.#passPacked();
    this.#peers.flush();
  }

  close(): void {
    this.#isClosed = true;
    this.#peers.close();
    void this.#subscriber.close();
    void this.#publisher.close();
    this.#wake();
  }

  #relay(delivery: Delivery): void {
    const { lane, group, epoch = '', version = 0 } = delivery;
    if (lane === 'priority') {
      if (this.#peers.interests.pass(group, delivery, { epoch, version }) > 0) this.#relayed.priority.add();
      return;
    }
    // For a while after the last peer has gone the home still sends.
    if (!this.#peers.interests.has(group)) return;
    this.#relayed.normal.add();
    this.#packer.publication(group, 0, delivery, this.#packedMessages++);
    if (this.#packer.bytes >= PACK_BYTES.normal) this.#passPacked();
    else if (!this.#isPacking) {
      this.#isPacking = true;
      this.#options.defer(() => this.#passPacked());
    }
  }

  /** By runs, as every node does: one pack is shared by all peers who want much of it. */
  #passPacked(): void {
    this.#isPacking = false;
    if (this.#packer.isEmpty) return;
    const { interests } = this.#peers;
    const pack = this.#packer.take(0, 0);
    this.#packedMessages = 0;
    this.#packed.open(pack);
    while (this.#packed.next()) interests.pickRun(this.#packed);
    interests.passPicked(pack);
  }

  #eachOfRun(pack: Buffer, lane: Lane, take: (group: string, publication: Publication, place: number) => void): void {
    const { group, count } = this.#reader;
    let { start } = this.#reader;
    for (let place = 0; place < count; place++) {
      start = this.#message.read(pack, start);
      take(group, this.#message.publication(lane), place);
    }
  }

  #forwardNormal(pack: Buffer, given: Given[]): void {
    const { kind, start } = this.#reader;
    if (kind === PUBLISH.run) {
      this.#eachOfRun(pack, 'normal', (group, publication) => {
        const isAllowed = this.#isAllowed(group);
        const outcome = isAllowed ? this.#publisher.publish(group, publication) : Promise.reject(strange(group));
        given.push({ groups: 1, outcome });
      });
      return;
    }
    this.#message.read(pack, start);
    const publication = this.#message.publication('normal');
    const all = this.#reader.groups();
    const groups = all.filter((group) => this.#isAllowed(group));
    const strangers = all.length - groups.length;
    if (strangers > 0) given.push({ groups: strangers, outcome: Promise.reject(strange('one of many')) });
    if (groups.length > 0) {
      given.push({ groups: groups.length, outcome: this.#publisher.publishMany(groups, publication) });
    }
  }

  /** A pack is answered when the home cell has all of it; what it could not be given is counted, and its publisher waits in vain. */
  async #acknowledge(given: readonly Given[], peer: string, pack: number, wantsAnswer: boolean): Promise<void> {
    this.#normalPacks++;
    const outcomes = await Promise.allSettled(given.map(({ outcome }) => outcome));
    let lost = 0;
    let forwarded = 0;
    given.forEach(({ groups }, index) => {
      if (outcomes[index]?.status === 'rejected') lost += groups;
      else forwarded += groups;
    });
    this.#lost.add(lost);
    this.#forwarded.normal.add(forwarded);
    if (wantsAnswer && lost === 0) this.#peers.taken(peer, pack);
    this.#normalPacks--;
    this.#wake();
  }

  async #forward(peer: string, number: number, group: string, publication: Publication): Promise<void> {
    try {
      if (!this.#isAllowed(group)) throw strange(group);
      const published = await this.#give(1, () => this.#publisher.publish(group, publication));
      this.#peers.answer(peer, number, 0, sequencedOf(published));
    } catch (error) {
      this.#peers.answer(peer, number, 0, ImError.wrap(error));
    }
  }

  async #forwardMany(peer: string, number: number, groups: readonly string[], publication: Publication): Promise<void> {
    const outcomes = new Map<string, Sequenced | Error>();
    const allowed = groups.filter((group) => this.#isAllowed(group));
    try {
      if (allowed.length > 0) {
        const give = () => this.#publisher.publishMany(allowed, publication);
        const { published, failed } = await this.#give(allowed.length, give);
        for (const [group, error] of failed) outcomes.set(group, error);
        for (const one of published) outcomes.set(one.group, sequencedOf(one));
      }
    } catch (error) {
      for (const group of allowed) outcomes.set(group, ImError.wrap(error));
    }
    groups.forEach((group, place) => {
      this.#peers.answer(peer, number, place, outcomes.get(group) ?? strange(group));
    });
  }

  /** @throws ImError QUEUE_FULL: nothing was taken; what publishing throws */
  async #give<Outcome>(count: number, publish: () => Promise<Outcome>): Promise<Outcome> {
    if (this.#priorityMessages + count > this.#maxPriority && this.#priorityMessages > 0)
      throw new ImError('QUEUE_FULL');
    this.#priorityMessages += count;
    try {
      const outcome = await publish();
      this.#forwarded.priority.add(count);
      return outcome;
    } finally {
      this.#priorityMessages -= count;
      this.#wake();
    }
  }

  #isAllowed(group: string): boolean {
    return this.#options.isHome(group);
  }

  #wake(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

/** The priority lane has nothing without a version. */
function sequencedOf({ epoch = '', version = 0, duplicate = false }: Published): Sequenced {
  return { epoch, version, duplicate };
}

function strange(group: string): ImError {
  return new ImError('GROUP_INVALID', {
    message: `${group} has its home in another cell: do all cells have the same rules?`,
  });
}
