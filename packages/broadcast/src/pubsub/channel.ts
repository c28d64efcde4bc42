/**
 * What one channel has to say and has not: packs that wait, the one that is under way, what was lost. Pure state, one
 * class a lane. Must not know connections or limits.
 */
import type { ImError, Lane, Position, Publication } from '@im/protocol';
import { Fifo } from '../memory/fifo.js';
import { type Pack, RunPack, Taken, VersionedPack } from './pack.js';

export interface Channel {
  readonly group: string;
  /** On the server. */
  readonly name: string;
  readonly lane: Lane;
  /** Packs without an answer; they are answered in their order. */
  underWay: number;
  /** It stands in line to send. */
  isQueued: boolean;
  readonly hasPacks: boolean;
  shift(): Pack | undefined;
  /** The server refused that pack, and has answered for nothing else. */
  refuse(pack: Pack, error: ImError): void;
  /**
   * That pack and all that wait will not go out: what subscribers must learn of it instead waits in their place.
   * @returns those packs
   */
  fail(sent: Pack | undefined, error: ImError): readonly Pack[];
}

/** The normal lane: messages are numbered, so that subscribers can count what was lost. */
export class NormalChannel implements Channel {
  readonly lane = 'normal';
  readonly group: string;
  readonly name: string;
  /** Since somebody looked for one to forget. */
  wasUsed = false;
  underWay = 0;
  isQueued = false;
  #next = 0;
  readonly #packs = new Fifo<RunPack>();
  #last: RunPack | undefined;

  constructor(group: string, name: string) {
    this.group = group;
    this.name = name;
  }

  get hasPacks(): boolean {
    return this.#packs.length > 0;
  }

  /** Settles when the server has it. */
  push(publication: Publication): Taken {
    const pack = this.#last?.hasRoom === true ? this.#last : this.#begin();
    pack.push(publication);
    this.#next += 1;
    pack.taken ??= new Taken();
    return pack.taken;
  }

  /** There is no room for a message: it takes its number, and subscribers are told. */
  drop(): void {
    // What is lost stands before the messages of a pack.
    const pack = this.#last?.count === 0 ? this.#last : this.#begin();
    this.#next += 1;
    pack.lost += 1;
    pack.first = this.#next;
  }

  shift(): RunPack | undefined {
    const pack = this.#packs.shift();
    if (pack === this.#last) this.#last = undefined;
    return pack;
  }

  refuse(pack: RunPack, error: ImError): void {
    // The numbers of the next pack show that it is missing.
    pack.taken?.reject(error);
  }

  fail(sent: RunPack | undefined, error: ImError): readonly Pack[] {
    const failed: RunPack[] = sent === undefined ? [] : [sent];
    for (let pack = this.shift(); pack !== undefined; pack = this.shift()) failed.push(pack);
    if (failed.length === 0) return failed;
    // Of what was under way before it, some may stand in the queue as lost already.
    const from = Math.min(...failed.map(({ first, lost }) => first - lost));
    this.#begin().lost = this.#next - from;
    for (const { taken } of failed) taken?.reject(error);
    return failed;
  }

  #begin(): RunPack {
    const pack = new RunPack(this.#next, 0);
    this.#packs.push(pack);
    this.#last = pack;
    return pack;
  }
}

/** The priority lane: the log has what is lost, so that its head is all that must be told. */
export class PriorityChannel implements Channel {
  readonly lane = 'priority';
  readonly group: string;
  readonly name: string;
  underWay = 0;
  isQueued = false;
  readonly #packs = new Fifo<VersionedPack>();
  #last: VersionedPack | undefined;

  constructor(group: string, name: string) {
    this.group = group;
    this.name = name;
  }

  get hasPacks(): boolean {
    return this.#packs.length > 0;
  }

  /** Settles when the server has it, or the log alone does: subscribers get it either way. */
  push(publication: Publication, position: Position): Taken {
    const last = this.#last;
    // A head is told after the messages of its pack.
    const pack = last?.hasRoom === true && last.head === undefined ? last : this.#begin();
    pack.push(publication, position);
    pack.taken ??= new Taken();
    return pack.taken;
  }

  tellHead(position: Position): void {
    const pack = this.#last ?? this.#begin();
    pack.head = position;
  }

  shift(): VersionedPack | undefined {
    const pack = this.#packs.shift();
    if (pack === this.#last) this.#last = undefined;
    return pack;
  }

  refuse(pack: VersionedPack): void {
    // The next message shows a hole, heads of the group follow.
    pack.taken?.resolve();
  }

  fail(sent: VersionedPack | undefined): readonly Pack[] {
    const failed: VersionedPack[] = sent === undefined ? [] : [sent];
    for (let pack = this.shift(); pack !== undefined; pack = this.shift()) failed.push(pack);
    const position = failed.reduce<Position | undefined>((newest, pack) => later(newest, pack.position), undefined);
    if (position !== undefined) this.tellHead(position);
    for (const { taken } of failed) taken?.resolve();
    return failed;
  }

  #begin(): VersionedPack {
    const pack = new VersionedPack();
    this.#packs.push(pack);
    this.#last = pack;
    return pack;
  }
}

/** Of what was under way before a pack, the head may stand in the queue behind it already. */
function later(one: Position | undefined, other: Position | undefined): Position | undefined {
  if (one === undefined || other === undefined) return other ?? one;
  return one.epoch === other.epoch && one.version > other.version ? one : other;
}
