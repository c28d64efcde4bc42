/**
 * A broadcast node: takes publish packs, gives priority messages their version, passes everything on to the peers that
 * want it, and answers. State and bytes only; sockets are what hands it packs and subscriptions, and sends what it says.
 */
import { ImError, type Lane, type Publication } from '@im/protocol';
import type { Sequencer } from '../broadcast.js';
import { LocalNode } from '../memory/local-node.js';
import { NodeFigures } from '../memory/node-figures.js';
import { checkGroup, checkPublication } from '../publication-checks.js';
import { FLAG_ANSWER, PUBLISH } from '../wire/bus-format.js';
import { MessageReader } from '../wire/message.js';
import { PublishPackReader } from '../wire/publish-pack-reader.js';
import { NodePeers, type NodePeersOptions, type PeerLimits } from './node-peers.js';

export interface NodeLimits extends PeerLimits {
  /** Priority messages from arrival to delivery. Default 100,000. */
  readonly maxPriorityMessages?: number;
  /** Of their bodies. Default 64 MiB. */
  readonly maxPriorityBytes?: number;
}

export interface BroadcastNodeOptions extends NodeLimits, Omit<NodePeersOptions, 'source'> {
  readonly sequencer: Sequencer;
}

export class BroadcastNode {
  readonly #peers: NodePeers;
  readonly #local: LocalNode;
  readonly #figures: NodeFigures;
  readonly #reader = new PublishPackReader();
  readonly #message = new MessageReader();

  constructor(options: BroadcastNodeOptions) {
    const { sequencer, clock, metrics } = options;
    this.#peers = new NodePeers(options);
    this.#figures = new NodeFigures(metrics);
    this.#local = new LocalNode({
      sequencer,
      outlet: this.#peers.interests,
      clock,
      figures: this.#figures,
      maxNormalMessages: 0,
      maxPriorityMessages: options.maxPriorityMessages ?? 100_000,
      maxLaneBytes: options.maxPriorityBytes ?? 67_108_864,
    });
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
  takeNormal(pack: Buffer): undefined {
    const reader = this.#reader;
    let published = 0;
    let delivered = 0;
    let broken: unknown;
    try {
      reader.open(pack);
      const sender = this.#peers.find(reader.peer);
      while (reader.next()) {
        const { kind, count } = reader;
        published += count;
        if (kind === PUBLISH.run) delivered += count * this.#peers.interests.pickRun(reader, sender);
        else {
          this.#peers.interests.passPicked(pack);
          delivered += this.#peers.interests.passMany(reader);
        }
      }
    } catch (error) {
      broken = error;
    }
    this.#peers.interests.passPicked(pack);
    this.#figures.publishedNormal.add(published);
    this.#figures.delivered.add(delivered);
    if (broken !== undefined) {
      this.#peers.complain('a pack is malformed', broken);
      return undefined;
    }
    if ((reader.flags & FLAG_ANSWER) !== 0) this.#peers.taken(reader.peer, reader.pack);
    return undefined;
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
      this.#peers.complain('a pack is malformed', error);
    }
  }

  /** What a subscriber's socket says: one byte, then what it wants (1) or wants no more (0). */
  takeSubscription(lane: Lane, bytes: Buffer): void {
    this.#peers.takeSubscription(lane, bytes);
  }

  /** Resolves when everything taken was passed on. */
  async drained(): Promise<void> {
    await this.#local.drained();
    this.#peers.flush();
  }

  close(): void {
    this.#peers.close();
    this.#local.close();
  }

  #takeRun(peer: string, pack: Buffer): void {
    const { group, number, count, end } = this.#reader;
    let { start } = this.#reader;
    for (let place = 0; place < count; place++) {
      start = this.#message.read(pack, start);
      void this.#append(peer, (number + place) >>> 0, group, this.#message.publication('priority'));
    }
    if (start !== end) throw new ImError('MALFORMED');
  }

  async #append(peer: string, number: number, group: string, publication: Publication): Promise<void> {
    try {
      checkGroup(group);
      checkPublication(publication);
      this.#peers.answer(peer, number, 0, await this.#local.publishPriority(group, publication));
    } catch (error) {
      this.#peers.answer(peer, number, 0, ImError.wrap(error));
    }
  }

  #takeMany(peer: string, pack: Buffer): void {
    const { number, count, start } = this.#reader;
    this.#message.read(pack, start);
    try {
      const groups = this.#peers.interests.namesOf(this.#reader, checkedName);
      void this.#appendMany(peer, number, groups, this.#message.publication('priority'));
    } catch (error) {
      for (let place = 0; place < count; place++) this.#peers.answer(peer, number, place, ImError.wrap(error));
    }
  }

  async #appendMany(peer: string, number: number, groups: readonly string[], publication: Publication): Promise<void> {
    try {
      checkPublication(publication);
      const { refused, outcomes } = this.#local.publishPriorityToMany(groups, publication);
      const settled = await outcomes;
      for (const [place, group] of groups.entries()) {
        const outcome = settled.get(group) ?? refused.get(group) ?? new ImError('INTERNAL');
        this.#peers.answer(peer, number, place, outcome);
      }
    } catch (error) {
      for (const place of groups.keys()) this.#peers.answer(peer, number, place, ImError.wrap(error));
    }
  }
}

/** @throws ImError GROUP_INVALID */
function checkedName(bytes: Buffer, at: number, length: number): string {
  const name = bytes.toString('latin1', at, at + length);
  checkGroup(name);
  return name;
}
