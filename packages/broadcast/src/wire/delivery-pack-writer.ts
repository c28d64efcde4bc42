/** Collects what one peer gets from a node on one lane into a pack. Owns bytes only; must not know when they go. */
import type { Lane, Position, Publication } from '@im/protocol';
import {
  ADDRESS_END,
  ANSWER,
  DELIVER,
  DELIVERY_HEAD_BYTES,
  DELIVERY_MARK,
  DELIVERY_MARK_OFFSET,
  FORM,
  INDEX_BYTES,
  MAX_COUNT,
  PLACE_BYTES,
  RECORD_HEAD_BYTES,
} from './bus-format.js';
import { beginWithPlaces, type GroupPlace } from './group-places.js';
import { messageBytes, writeMessage } from './message.js';
import { PackBuffer, writeAscii, writeUint32 } from './pack-buffer.js';
import { writeHead } from './publish-pack-writer.js';

export class DeliveryPackWriter {
  readonly #pack = new PackBuffer();
  readonly #lane: number;
  /** Of the versioned run that is open. */
  #runStart = 0;
  #runGroup = '';
  #runEpoch = '';
  #runNext = 0;
  #runCount = 0;
  /** Of the answers that are open: where their record begins, and what they share. */
  #answerStart = 0;
  #answerNumber = 0;
  #answerNext = 0;
  #answerKind = 0;
  #answerEpoch = '';
  #answerCount = 0;
  /** The publication that the last deliveries were of, and where they go. */
  #shared: Publication | undefined;
  #places: GroupPlace[] = [];
  #sharedBytes = 0;
  /** Those that follow each other; nothing else is open then. */
  #heads: GroupPlace[] = [];
  #headBytes = 0;

  constructor(peer: string, lane: Lane) {
    this.#lane = lane === 'priority' ? 1 : 0;
    const bytes = this.#pack.reserve(DELIVERY_HEAD_BYTES);
    writeAscii(bytes, peer + ADDRESS_END, 0);
    this.#pack.length = DELIVERY_HEAD_BYTES;
  }

  get isEmpty(): boolean {
    return this.#pack.length === DELIVERY_HEAD_BYTES && this.#shared === undefined && this.#heads.length === 0;
  }

  get bytes(): number {
    return this.#pack.length + this.#sharedBytes + this.#headBytes;
  }

  /** A run of a publish pack, as it lies there. @param position of its first message */
  run(source: Buffer, at: number, position: number): void {
    this.#end();
    const pack = this.#pack;
    const end = at + RECORD_HEAD_BYTES + source.readUInt32LE(at + 4);
    const bytes = pack.reserve(end - at);
    const record = pack.length;
    source.copy(bytes, record, at, end);
    bytes[record] = DELIVER.run;
    // Where number and alias of the publication were.
    bytes.writeDoubleLE(position, record + RECORD_HEAD_BYTES);
    pack.length = record + end - at;
  }

  /** Runs of a publish pack that goes along. @param places offset, alias and position of each */
  shared(places: readonly number[]): void {
    this.#end();
    const pack = this.#pack;
    const count = places.length / 3;
    const bytes = pack.reserve(RECORD_HEAD_BYTES + count * INDEX_BYTES);
    const record = pack.length;
    let at = record + RECORD_HEAD_BYTES;
    for (let i = 0; i < places.length; i += 3) {
      writeUint32(bytes, places[i] as number, at);
      writeUint32(bytes, places[i + 1] as number, at + 4);
      at = bytes.writeDoubleLE(places[i + 2] as number, at + 8);
    }
    pack.length = at;
    writeHead(pack, record, DELIVER.shared, 0, count);
  }

  /**
   * One message of a publish pack, on the normal lane.
   * @param places of each group: where its name lies, after its length, and its position
   * @param start where the message lies
   */
  many(source: Buffer, places: readonly number[], start: number, end: number): void {
    this.#end();
    const pack = this.#pack;
    // Names are no longer than the byte before them says, nor all together than what they are taken from.
    const bytes = pack.reserve(RECORD_HEAD_BYTES + places.length * 4 + end);
    const record = pack.length;
    let at = record + RECORD_HEAD_BYTES;
    for (let i = 0; i < places.length; i += 2) {
      at = bytes.writeDoubleLE(places[i + 1] as number, at);
      const from = places[i] as number;
      const to = from + 1 + (source[from] as number);
      for (let name = from; name < to; name++) bytes[at++] = source[name] as number;
    }
    source.copy(bytes, at, start, end);
    pack.length = at + end - start;
    writeHead(pack, record, DELIVER.many, 0, places.length / 2);
  }

  /** Deliveries of one publication that follow each other share its message. */
  versioned(group: string, epoch: string, version: number, publication: Publication): void {
    const shared = this.#shared;
    if (shared !== undefined && isSame(shared, publication)) {
      this.#places.push({ group, version, epoch });
      if (this.#places.length >= MAX_COUNT) this.#endShared();
      return;
    }
    this.#endHeads();
    this.#endShared();
    // Those that follow are told behind it.
    this.#endAnswers();
    this.#shared = publication;
    this.#places.push({ group, version, epoch });
    this.#sharedBytes = messageBytes(publication);
  }

  #versionedOne({ group, epoch, version }: GroupPlace, publication: Publication): void {
    const isNext = group === this.#runGroup && version === this.#runNext && epoch === this.#runEpoch;
    if (!isNext || this.#runCount >= MAX_COUNT) {
      this.#endRun();
      const pack = this.#pack;
      const bytes = pack.reserve(RECORD_HEAD_BYTES + 9 + group.length + epoch.length);
      this.#runStart = pack.length;
      this.#runGroup = group;
      this.#runEpoch = epoch;
      let at = bytes.writeDoubleLE(version, pack.length + RECORD_HEAD_BYTES);
      bytes[at] = epoch.length;
      at = writeAscii(bytes, group, at + 1);
      pack.length = writeAscii(bytes, epoch, at);
    }
    writeMessage(this.#pack, publication);
    this.#runNext = version + 1;
    this.#runCount++;
  }

  #versionedMany(places: readonly GroupPlace[], publication: Publication): void {
    this.#endRun();
    const record = beginWithPlaces(this.#pack, places, this.#sharedBytes);
    writeMessage(this.#pack, publication);
    writeHead(this.#pack, record, DELIVER.versionedMany, 0, places.length);
  }

  #endShared(): void {
    const [first] = this.#places;
    if (this.#shared === undefined || first === undefined) return;
    if (this.#places.length === 1) this.#versionedOne(first, this.#shared);
    else this.#versionedMany(this.#places, this.#shared);
    this.#shared = undefined;
    this.#places = [];
    this.#sharedBytes = 0;
  }

  base(group: string, position: number, isFresh: boolean): void {
    this.#end();
    const pack = this.#pack;
    const bytes = pack.reserve(RECORD_HEAD_BYTES + 8 + group.length);
    const record = pack.length;
    const at = bytes.writeDoubleLE(position, record + RECORD_HEAD_BYTES);
    pack.length = writeAscii(bytes, group, at);
    writeHead(pack, record, DELIVER.base, group.length, isFresh ? 1 : 0);
  }

  /** Heads that follow each other share their epoch. */
  head(group: string, { epoch, version }: Position): void {
    const before = this.#heads.at(-1);
    if (before === undefined) this.#end();
    this.#heads.push({ group, version, epoch });
    this.#headBytes += group.length + (before?.epoch === epoch ? 0 : epoch.length) + PLACE_BYTES;
    if (this.#heads.length >= MAX_COUNT) this.#endHeads();
  }

  #endHeads(): void {
    if (this.#heads.length === 0) return;
    const record = beginWithPlaces(this.#pack, this.#heads, 0);
    writeHead(this.#pack, record, DELIVER.heads, 0, this.#heads.length);
    this.#heads = [];
    this.#headBytes = 0;
  }

  /** Marker, taken, welcome, alive. */
  number(kind: number, number: number): void {
    this.#end();
    const pack = this.#pack;
    const bytes = pack.reserve(RECORD_HEAD_BYTES + 4);
    const record = pack.length;
    pack.length = bytes.writeUInt32LE(number >>> 0, record + RECORD_HEAD_BYTES);
    writeHead(pack, record, kind, 0, 0);
  }

  /**
   * Answers to one publication that follow each other share what they have in common.
   * @param place of the group among those of the publication
   */
  sequenced(number: number, place: number, { epoch, version }: Position, isDuplicate: boolean): void {
    const kind = isDuplicate ? ANSWER.duplicate : ANSWER.versioned;
    const isNext = number === this.#answerNumber && place === this.#answerNext && kind === this.#answerKind;
    if (this.#answerCount === 0 || !isNext || epoch !== this.#answerEpoch)
      this.#beginAnswers(number, place, epoch, kind);
    const pack = this.#pack;
    const bytes = pack.reserve(8);
    pack.length = bytes.writeDoubleLE(version, pack.length);
    this.#answerNext = place + 1;
    this.#answerCount++;
  }

  #beginAnswers(number: number, place: number, epoch: string, kind: number): void {
    this.#end();
    const pack = this.#pack;
    const bytes = pack.reserve(RECORD_HEAD_BYTES + 7 + epoch.length);
    this.#answerStart = pack.length;
    this.#answerNumber = number;
    this.#answerEpoch = epoch;
    this.#answerKind = kind;
    let at = bytes.writeUInt32LE(number, pack.length + RECORD_HEAD_BYTES);
    at = bytes.writeUInt16LE(place, at);
    bytes[at] = epoch.length;
    pack.length = writeAscii(bytes, epoch, at + 1);
  }

  #endAnswers(): void {
    if (this.#answerCount > 0) {
      writeHead(this.#pack, this.#answerStart, DELIVER.answer, this.#answerKind, this.#answerCount);
    }
    this.#answerCount = 0;
  }

  /** @param error JSON of its body */
  failed(number: number, place: number, error: string): void {
    this.#end();
    const pack = this.#pack;
    const bytes = pack.reserve(RECORD_HEAD_BYTES + 6 + error.length * 3);
    const record = pack.length;
    let at = bytes.writeUInt32LE(number, record + RECORD_HEAD_BYTES);
    at = bytes.writeUInt16LE(place, at);
    pack.length = at + bytes.write(error, at, 'utf8');
    writeHead(pack, record, DELIVER.answer, ANSWER.failed, 1);
  }

  /** Forgets what was written. */
  clear(): void {
    this.#end();
    this.#pack.reset(DELIVERY_HEAD_BYTES);
  }

  /** The pack, empty again. */
  take(node: number, number: number): Buffer {
    this.#end();
    const { bytes } = this.#pack;
    let at = DELIVERY_MARK_OFFSET;
    bytes[at++] = DELIVERY_MARK;
    bytes[at++] = FORM;
    bytes[at++] = this.#lane;
    at = bytes.writeUInt32LE(node >>> 0, at);
    bytes.writeUInt32LE(number >>> 0, at);
    return this.#pack.take(DELIVERY_HEAD_BYTES);
  }

  #end(): void {
    this.#endHeads();
    this.#endShared();
    this.#endRun();
    this.#endAnswers();
  }

  #endRun(): void {
    if (this.#runCount > 0) {
      writeHead(this.#pack, this.#runStart, DELIVER.versionedRun, this.#runGroup.length, this.#runCount);
    }
    this.#runGroup = '';
    this.#runCount = 0;
  }
}

function isSame(one: Publication, other: Publication): boolean {
  return one.body === other.body && one.id === other.id && one.event === other.event && one.time === other.time;
}
