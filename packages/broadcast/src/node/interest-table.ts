/** Which peers want which groups, and how far the normal lane of each group has come. Must not know sockets. */
import type { Position, Publication } from '@im/protocol';
import type { Outlet } from '../memory/local-node.js';
import { Aliases } from '../wire/alias-table.js';
import { NameBatch, NameTable } from '../wire/name-table.js';
import type { PublishPackReader } from '../wire/publish-pack-reader.js';
import { Interest } from './interest.js';
import type { Outboxes } from './outboxes.js';
import type { PeerOutbox } from './peer-outbox.js';

/** Smaller publish packs are copied: many of them go into one message then. */
const SHARED_BYTES = 4_096;
const UNVERSIONED: Position = { epoch: '', version: 0 };

export class InterestTable implements Outlet {
  readonly #outboxes: Outboxes;
  readonly #byGroup = new NameTable<Interest>();
  readonly #batch = new NameBatch<Interest>();
  readonly #aliases = new Aliases();
  /** Who wants something of the publish pack at hand. */
  #picking: PeerOutbox[] = [];
  #interests = 0;

  constructor(outboxes: Outboxes) {
    this.#outboxes = outboxes;
  }

  /** Groups that anybody wants. */
  get size(): number {
    return this.#byGroup.size;
  }

  /** Groups of all peers together. */
  get interests(): number {
    return this.#interests;
  }

  has(group: string): boolean {
    return this.#byGroup.get(group) !== undefined;
  }

  /**
   * The groups of a publication to many. Of those that anybody wants it is the name that tables here mostly have: a new text for each
   * message would be compared with it in each.
   * @param nameAt makes a name of what lies there
   */
  namesOf(reader: PublishPackReader, nameAt: (bytes: Buffer, at: number, length: number) => string): string[] {
    const { bytes, namesAt, start } = reader;
    const batch = this.#batch;
    const names: string[] = [];
    for (let at = namesAt; at < start; ) {
      at = this.#findNames(bytes, at, start);
      for (let i = 0; i < batch.count; i++) {
        names.push(batch.found[i]?.group ?? nameAt(bytes, batch.at[i] as number, batch.length[i] as number));
      }
    }
    return names;
  }

  /** From now on the peer gets the group, and learns where its normal lane stands. */
  add(group: string, peer: PeerOutbox): void {
    let interest = this.#byGroup.get(group);
    const isFresh = interest === undefined;
    if (interest === undefined) {
      interest = new Interest(group, this.#aliases.next(), peer);
      this.#byGroup.set(interest);
    } else if (!peer.groups.has(group)) interest.add(peer);
    if (!peer.groups.has(group)) {
      peer.groups.add(group);
      this.#interests++;
    }
    peer.normal.writer.base(group, interest.position, isFresh);
    this.#outboxes.written(peer.normal, 'normal');
  }

  remove(group: string, peer: PeerOutbox): void {
    const interest = this.#byGroup.get(group);
    if (interest === undefined || !peer.groups.delete(group)) return;
    this.#interests--;
    interest.remove(peer);
    if (interest.first === undefined) this.#byGroup.delete(group);
  }

  /** Says again where the normal lanes of all groups of a peer stand. */
  tellBases(peer: PeerOutbox): void {
    for (const group of peer.groups) {
      peer.normal.writer.base(group, this.#byGroup.get(group)?.position ?? 0, false);
      this.#outboxes.written(peer.normal, 'normal');
    }
  }

  /** Notes who gets the run at hand, to be passed on by {@link passPicked}. Returns to how many peers. */
  pickRun({ bytes, at, alias, groupAt, groupBytes, count, end }: PublishPackReader, sender?: PeerOutbox): number {
    let interest = sender?.aliases.get(alias);
    if (interest?.first === undefined) {
      interest = this.#byGroup.find(bytes, groupAt, groupBytes);
      if (interest?.first === undefined) return 0;
      sender?.aliases.set(alias, interest);
    }
    const { alias: own, position, first, others } = interest;
    interest.position = position + count;
    this.#pick(first, at, end, own, position);
    for (let i = 0; i < others.length; i++) this.#pick(others[i] as PeerOutbox, at, end, own, position);
    return 1 + others.length;
  }

  /**
   * Passes on what was picked of a publish pack. Who wants much of a large one gets it as it is, the same bytes as all
   * others, and an index; who wants little gets copies.
   */
  passPicked(pack: Buffer): void {
    for (const peer of this.#picking) {
      const { normal, picked, pickedBytes } = peer;
      if (normal.isOpen && pack.length >= SHARED_BYTES && pickedBytes * 2 >= pack.length) {
        // What was written before goes before.
        normal.flush();
        normal.writer.shared(picked);
        normal.flush(pack);
      } else {
        for (let i = 0; i < picked.length; i += 3) {
          normal.writer.run(pack, picked[i] as number, picked[i + 2] as number);
          this.#outboxes.written(normal, 'normal');
        }
      }
      picked.length = 0;
      peer.pickedBytes = 0;
    }
    this.#picking = [];
  }

  /** Passes one normal message for many groups on; its bytes go to each peer once. Returns how many get it. */
  passMany({ bytes, namesAt, start, end }: PublishPackReader): number {
    const batch = this.#batch;
    let passed = 0;
    for (let at = namesAt; at < start; ) {
      at = this.#findNames(bytes, at, start);
      for (let i = 0; i < batch.count; i++) passed += this.#pickMessage(batch.found[i], (batch.at[i] as number) - 1);
    }
    for (const peer of this.#picking) {
      peer.normal.writer.many(bytes, peer.picked, start, end);
      this.#outboxes.written(peer.normal, 'normal');
      peer.picked.length = 0;
    }
    this.#picking = [];
    return passed;
  }

  /** Looks for the names from there on, as many as there is room for. @returns where they end */
  #findNames(bytes: Uint8Array, from: number, end: number): number {
    const batch = this.#batch;
    let at = from;
    for (batch.count = 0; at < end && !batch.isFull; at += 1 + (bytes[at] as number)) {
      batch.add(at + 1, bytes[at] as number);
    }
    this.#byGroup.findBatch(bytes, batch);
    return at;
  }

  /** @param at where the name of the group lies, after its length @returns how many get it */
  #pickMessage(interest: Interest | undefined, at: number): number {
    if (interest?.first === undefined) return 0;
    const { position, first, others } = interest;
    interest.position = position + 1;
    this.#pickName(first, at, position);
    for (let i = 0; i < others.length; i++) this.#pickName(others[i] as PeerOutbox, at, position);
    return 1 + others.length;
  }

  beginPass(): void {}

  /** Of the priority lane, which has nothing without a position. */
  pass(group: string, publication: Publication, position: Position = UNVERSIONED): number {
    const interest = this.#byGroup.get(group);
    if (interest?.first === undefined) return 0;
    const { first, others } = interest;
    this.#passTo(first, group, publication, position);
    for (let i = 0; i < others.length; i++) this.#passTo(others[i] as PeerOutbox, group, publication, position);
    return 1 + others.length;
  }

  #passTo({ priority }: PeerOutbox, group: string, publication: Publication, { epoch, version }: Position): void {
    priority.writer.versioned(group, epoch, version, publication);
    this.#outboxes.written(priority, 'priority');
  }

  tellHead(group: string, position: Position): void {
    for (const { priority } of this.#byGroup.get(group)?.peers() ?? []) {
      priority.writer.head(group, position);
      this.#outboxes.written(priority, 'priority');
    }
  }

  /** Normal messages did not get here: receivers see from positions what they have missed, or that nobody knows. */
  tellLoss(group: string, count: number | undefined): void {
    const interest = this.#byGroup.get(group);
    if (interest === undefined) return;
    interest.position += count ?? 1;
    for (const { normal } of interest.peers()) {
      normal.writer.base(group, interest.position, count === undefined);
      this.#outboxes.written(normal, 'normal');
    }
  }

  clear(): void {
    this.#byGroup.clear();
  }

  #pickName(peer: PeerOutbox, at: number, position: number): void {
    if (peer.picked.length === 0) this.#picking.push(peer);
    peer.picked.push(at, position);
  }

  #pick(peer: PeerOutbox, at: number, end: number, alias: number, position: number): void {
    if (peer.pickedBytes === 0) this.#picking.push(peer);
    peer.picked.push(at, alias, position);
    peer.pickedBytes += end - at;
  }
}
