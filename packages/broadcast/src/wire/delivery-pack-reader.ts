/**
 * Reads delivery packs: any bytes are records that are whole, or {@link ImError} MALFORMED. Owns no bytes: bodies that it
 * shows share the memory of the pack. Makes nothing of records for groups that the receiver does not know.
 */
import type { Delivery, ErrorBody } from '@im/protocol';
import {
  ANSWER,
  DELIVER,
  DELIVERY_HEAD_BYTES,
  DELIVERY_MARK,
  DELIVERY_MARK_OFFSET,
  FORM,
  INDEX_BYTES,
  PLACE_BYTES,
  PUBLISH,
  PUBLISH_HEAD_BYTES,
  PUBLISH_RUN_BYTES,
  RECORD_HEAD_BYTES,
} from './bus-format.js';
import { areMessages, endOfMessage, MessageReader } from './message.js';
import { NameBatch, type Named } from './name-table.js';
import { malformed } from './publish-pack-reader.js';

/** What is done with the records of a pack, in their order. */
export interface DeliveryPackHandler<Group extends Named> {
  /** The group whose name lies there. @param alias by which the node names it in all packs; 0 if it does not */
  find(alias: number, bytes: Buffer, at: number, length: number): Group | undefined;
  /** The groups of several names, none of which the node names otherwise. */
  findBatch(bytes: Buffer, batch: NameBatch<Group>): void;
  /** Normal messages of a group: `next` gives them one by one, at most `count`. */
  onRun(group: Group, position: number, run: RunReader): void;
  onVersioned(group: Group, delivery: Delivery): void;
  onBase(group: Group, position: number, isFresh: boolean): void;
  onHead(group: Group, epoch: string, version: number): void;
  onNumber(kind: number, number: number): void;
  onSequenced(number: number, place: number, epoch: string, version: number, isDuplicate: boolean): void;
  onFailed(number: number, place: number, error: ErrorBody): void;
}

/** Normal messages of one group, as deliveries. */
export class RunReader {
  readonly #message = new MessageReader();
  #bytes: Buffer = Buffer.alloc(0);
  #at = 0;
  #group = '';
  count = 0;

  open(bytes: Buffer, at: number, group: string, count: number): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#group = group;
    this.count = count;
  }

  next(): Delivery {
    this.#at = this.#message.read(this.#bytes, this.#at);
    return this.#message.delivery(this.#group);
  }
}

export class DeliveryPackReader<Group extends Named> {
  lane: 'normal' | 'priority' = 'normal';
  /** Incarnation of the node. */
  node = 0;
  pack = 0;
  readonly #handler: DeliveryPackHandler<Group>;
  #bytes: Buffer = Buffer.alloc(0);
  readonly #message = new MessageReader();
  readonly #run = new RunReader();
  readonly #batch = new NameBatch<Group>();

  constructor(handler: DeliveryPackHandler<Group>) {
    this.#handler = handler;
  }

  /** @throws ImError MALFORMED */
  open(bytes: Buffer): void {
    const at = DELIVERY_MARK_OFFSET;
    if (bytes.length < DELIVERY_HEAD_BYTES || bytes[at] !== DELIVERY_MARK || bytes[at + 1] !== FORM) {
      throw malformed('not a delivery pack');
    }
    this.#bytes = bytes;
    this.lane = bytes[at + 2] === 1 ? 'priority' : 'normal';
    this.node = bytes.readUInt32LE(at + 3);
    this.pack = bytes.readUInt32LE(at + 7);
  }

  /** Records before a broken one are handled. @param shared the second frame @throws ImError MALFORMED */
  read(shared: Buffer | undefined): void {
    const bytes = this.#bytes;
    for (let at = DELIVERY_HEAD_BYTES; at < bytes.length; ) {
      need(at + RECORD_HEAD_BYTES <= bytes.length);
      const start = at + RECORD_HEAD_BYTES;
      const end = start + bytes.readUInt32LE(at + 4);
      need(end <= bytes.length);
      this.#record(bytes[at] as number, bytes[at + 1] as number, bytes.readUInt16LE(at + 2), start, end, shared);
      at = end;
    }
  }

  #record(kind: number, small: number, count: number, start: number, end: number, shared: Buffer | undefined): void {
    const bytes = this.#bytes;
    switch (kind) {
      case DELIVER.run:
        need(start + 8 <= end);
        this.#readRun(bytes, 0, start + 8, small, count, end, bytes.readDoubleLE(start));
        break;
      case DELIVER.shared:
        this.#readShared(count, start, end, shared);
        break;
      case DELIVER.many:
        this.#readMany(count, start, end);
        break;
      case DELIVER.versionedRun:
        this.#readVersionedRun(small, count, start, end);
        break;
      case DELIVER.versionedMany:
        this.#readVersionedMany(count, start, end);
        break;
      case DELIVER.base:
        this.#readBase(small, count, start, end);
        break;
      case DELIVER.heads:
        this.#readHeads(count, start, end);
        break;
      case DELIVER.answer:
        this.#readAnswer(small, count, start, end);
        break;
      default:
        // Kinds of later releases are passed over, unless they are no numbers.
        if (end - start === 4) this.#handler.onNumber(kind, bytes.readUInt32LE(start));
    }
  }

  /** @param at where the name of the group begins, behind which its messages lie */
  #readRun(
    bytes: Buffer,
    alias: number,
    at: number,
    length: number,
    count: number,
    end: number,
    position: number,
  ): void {
    const messages = at + length;
    need(messages <= end && areMessages(bytes, messages, end, count));
    const group = this.#handler.find(alias, bytes, at, length);
    if (group === undefined) return;
    this.#run.open(bytes, messages, group.group, count);
    this.#handler.onRun(group, position, this.#run);
  }

  #readShared(count: number, start: number, end: number, shared: Buffer | undefined): void {
    const bytes = this.#bytes;
    need(shared !== undefined && start + count * INDEX_BYTES === end);
    for (let at = start; at < end; at += INDEX_BYTES) {
      const record = bytes.readUInt32LE(at);
      need(record >= PUBLISH_HEAD_BYTES && record + RECORD_HEAD_BYTES + PUBLISH_RUN_BYTES <= shared.length);
      const ends = record + RECORD_HEAD_BYTES + shared.readUInt32LE(record + 4);
      need(shared[record] === PUBLISH.run && ends <= shared.length);
      const name = record + RECORD_HEAD_BYTES + PUBLISH_RUN_BYTES;
      const runs = shared.readUInt16LE(record + 2);
      const position = bytes.readDoubleLE(at + 8);
      this.#readRun(shared, bytes.readInt32LE(at + 4), name, shared[record + 1] as number, runs, ends, position);
    }
  }

  #readMany(count: number, start: number, end: number): void {
    const bytes = this.#bytes;
    let names = start;
    for (let left = count; left > 0; left--) {
      need(names + 9 <= end);
      names += 9 + (bytes[names + 8] as number);
    }
    need(names <= end && endOfMessage(bytes, names, end) === end);
    const batch = this.#batch;
    for (let at = start; at < names; ) {
      for (batch.count = 0; at < names && !batch.isFull; at += 9 + (bytes[at + 8] as number)) {
        batch.add(at + 9, bytes[at + 8] as number);
      }
      this.#handler.findBatch(bytes, batch);
      for (let i = 0; i < batch.count; i++) this.#readMessage(batch.found[i], (batch.at[i] as number) - 9, names);
    }
  }

  /** Of several groups. @param place where its position lies @param message where the message does */
  #readMessage(group: Group | undefined, place: number, message: number): void {
    if (group === undefined) return;
    this.#run.open(this.#bytes, message, group.group, 1);
    this.#handler.onRun(group, this.#bytes.readDoubleLE(place), this.#run);
  }

  #readVersionedRun(length: number, count: number, start: number, end: number): void {
    const bytes = this.#bytes;
    need(start + 9 <= end);
    const epochBytes = bytes[start + 8] as number;
    let at = start + 9 + length + epochBytes;
    need(at <= end && areMessages(bytes, at, end, count));
    const group = this.#handler.find(0, bytes, start + 9, length);
    if (group === undefined) return;
    const epoch = bytes.toString('latin1', start + 9 + length, at);
    let version = bytes.readDoubleLE(start);
    for (let left = count; left > 0; left--, version++) {
      at = this.#message.read(bytes, at);
      this.#handler.onVersioned(group, this.#versioned(group.group, epoch, version));
    }
  }

  #readVersionedMany(count: number, start: number, end: number): void {
    const bytes = this.#bytes;
    const places = this.#endOfPlaces(count, start, end);
    need(endOfMessage(bytes, places, end) === end);
    this.#message.read(bytes, places);
    this.#eachPlace(start, places, (group, epoch, version) => {
      this.#handler.onVersioned(group, this.#versioned(group.group, epoch, version));
    });
  }

  #readHeads(count: number, start: number, end: number): void {
    need(this.#endOfPlaces(count, start, end) === end);
    this.#eachPlace(start, end, (group, epoch, version) => this.#handler.onHead(group, epoch, version));
  }

  /** Of so many positions. @throws ImError MALFORMED when they do not end by then */
  #endOfPlaces(count: number, start: number, end: number): number {
    const bytes = this.#bytes;
    let at = start;
    for (let left = count; left > 0; left--) {
      need(at + PLACE_BYTES <= end);
      at += PLACE_BYTES + (bytes[at + 8] as number) + (bytes[at + 9] as number);
    }
    need(at <= end);
    return at;
  }

  /** Of the groups that are known here. */
  #eachPlace(start: number, end: number, tell: (group: Group, epoch: string, version: number) => void): void {
    const bytes = this.#bytes;
    const batch = this.#batch;
    let epoch = '';
    for (let at = start; at < end; ) {
      for (batch.count = 0; at < end && !batch.isFull; ) {
        batch.add(at + PLACE_BYTES, bytes[at + 8] as number);
        at += PLACE_BYTES + (bytes[at + 8] as number) + (bytes[at + 9] as number);
      }
      this.#handler.findBatch(bytes, batch);
      for (let i = 0; i < batch.count; i++) {
        const name = batch.at[i] as number;
        const epochAt = name + (batch.length[i] as number);
        const epochBytes = bytes[name - 1] as number;
        if (epochBytes > 0) epoch = bytes.toString('latin1', epochAt, epochAt + epochBytes);
        const group = batch.found[i];
        if (group !== undefined) tell(group, epoch, bytes.readDoubleLE(name - PLACE_BYTES));
      }
    }
  }

  #versioned(group: string, epoch: string, version: number): Delivery {
    const { event, body, time, id } = this.#message;
    return id === undefined
      ? { lane: 'priority', event, body, time, group, epoch, version }
      : { lane: 'priority', event, body, id, time, group, epoch, version };
  }

  #readBase(length: number, count: number, start: number, end: number): void {
    need(start + 8 + length === end);
    const group = this.#handler.find(0, this.#bytes, start + 8, length);
    if (group !== undefined) this.#handler.onBase(group, this.#bytes.readDoubleLE(start), count === 1);
  }

  #readAnswer(small: number, count: number, start: number, end: number): void {
    const bytes = this.#bytes;
    need(start + 6 <= end);
    const number = bytes.readUInt32LE(start);
    const place = bytes.readUInt16LE(start + 4);
    if (small === ANSWER.failed) {
      this.#handler.onFailed(number, place, parseError(bytes.toString('utf8', start + 6, end)));
      return;
    }
    need(start + 7 <= end);
    const versions = start + 7 + (bytes[start + 6] as number);
    need(versions + 8 * count === end);
    const epoch = bytes.toString('latin1', start + 7, versions);
    const isDuplicate = small === ANSWER.duplicate;
    for (let i = 0; i < count; i++) {
      this.#handler.onSequenced(number, place + i, epoch, bytes.readDoubleLE(versions + 8 * i), isDuplicate);
    }
  }
}

function need(isWhole: boolean): asserts isWhole {
  if (!isWhole) throw malformed('a record is not whole');
}

function parseError(text: string): ErrorBody {
  try {
    const body: unknown = JSON.parse(text);
    if (typeof body === 'object' && body !== null) return body as ErrorBody;
  } catch {
    // Told below.
  }
  throw malformed('an error is not a JSON object');
}
