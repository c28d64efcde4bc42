/**
 * Reads publish packs, whoever sent them: any bytes are records that are whole, or {@link ImError} MALFORMED. Owns no
 * bytes; what it shows lies in the pack.
 */
import { ImError } from '@im/protocol';
import {
  FORM,
  PEER_CHARACTERS,
  PUBLISH,
  PUBLISH_HEAD_BYTES,
  PUBLISH_MARK,
  PUBLISH_PEER_OFFSET,
  RECORD_HEAD_BYTES,
} from './bus-format.js';
import { areMessages, endOfMessage } from './message.js';

const PEER = /^[A-Za-z0-9_-]{8}$/;

export function isPeer(text: string): boolean {
  return PEER.test(text);
}

export class PublishPackReader {
  flags = 0;
  pack = 0;
  peer = '';
  /** Of the record at hand. */
  kind = 0;
  /** Number of its first publication at the peer. */
  number = 0;
  count = 0;
  /** Where the record begins. */
  at = 0;
  /** Of a run: by which its peer names the group in all packs, 0 if it does not, and where its name lies. */
  alias = 0;
  groupAt = 0;
  groupBytes = 0;
  /** Of one message to many groups: where their names begin, each after its length, up to `start`. */
  namesAt = 0;
  /** Where its messages lie. */
  start = 0;
  end = 0;
  bytes: Buffer = Buffer.alloc(0);
  #next = 0;

  /** @throws ImError MALFORMED */
  open(bytes: Buffer): void {
    if (bytes.length < PUBLISH_HEAD_BYTES || bytes[0] !== PUBLISH_MARK || bytes[1] !== FORM) {
      throw malformed('not a publish pack');
    }
    this.bytes = bytes;
    this.flags = bytes[2] as number;
    this.pack = bytes.readUInt32LE(3);
    this.peer = bytes.toString('latin1', PUBLISH_PEER_OFFSET, PUBLISH_PEER_OFFSET + PEER_CHARACTERS);
    if (!isPeer(this.peer)) throw malformed('no name of a peer');
    this.#next = PUBLISH_HEAD_BYTES;
  }

  /** Goes to the next record; false when there is none. @throws ImError MALFORMED */
  next(): boolean {
    const { bytes } = this;
    const at = this.#next;
    if (at === bytes.length) return false;
    if (at + RECORD_HEAD_BYTES + 4 > bytes.length) throw malformed('a record is cut off');
    this.at = at;
    this.kind = bytes[at] as number;
    this.count = bytes.readUInt16LE(at + 2);
    const end = at + RECORD_HEAD_BYTES + bytes.readUInt32LE(at + 4);
    if (end > bytes.length || this.count === 0) throw malformed('a record is cut off');
    const start = at + RECORD_HEAD_BYTES + 4;
    this.number = bytes.readUInt32LE(at + RECORD_HEAD_BYTES);
    this.end = end;
    this.#next = end;
    if (this.kind === PUBLISH.run) this.#readRun(start, bytes[at + 1] as number);
    else if (this.kind === PUBLISH.many) this.#readMany(start);
    else throw malformed('an unknown record');
    return true;
  }

  #readRun(start: number, length: number): void {
    if (start + 4 > this.end) throw malformed('a run is not whole');
    const { bytes } = this;
    this.alias = bytes.readInt32LE(start);
    this.groupAt = start + 4;
    this.groupBytes = length;
    this.start = start + 4 + length;
    if (this.start > this.end || !areMessages(bytes, this.start, this.end, this.count)) {
      throw malformed('a run is not whole');
    }
  }

  /** Of a run. */
  get group(): string {
    return this.bytes.toString('latin1', this.groupAt, this.groupAt + this.groupBytes);
  }

  /** Of one message to many groups. */
  groups(): string[] {
    const { bytes, start } = this;
    const groups: string[] = [];
    for (let at = this.namesAt; at < start; ) {
      const from = at + 1;
      at = from + (bytes[at] as number);
      groups.push(bytes.toString('latin1', from, at));
    }
    return groups;
  }

  #readMany(start: number): void {
    const { bytes, end } = this;
    let at = start;
    for (let left = this.count; left > 0; left--) {
      at += 1 + (bytes[at] ?? 0);
      if (at > end) throw malformed('names are cut off');
    }
    this.namesAt = start;
    this.start = at;
    if (endOfMessage(bytes, at, end) !== end) throw malformed('a message is not whole');
  }
}

export function malformed(message: string): ImError {
  return new ImError('MALFORMED', { message });
}
