/** Collects the publications of one peer to one node and lane into a pack. Owns bytes only; must not know when they go. */
import type { Publication } from '@im/protocol';
import {
  FORM,
  MAX_COUNT,
  PUBLISH,
  PUBLISH_HEAD_BYTES,
  PUBLISH_MARK,
  PUBLISH_PEER_OFFSET,
  PUBLISH_RUN_BYTES,
  RECORD_HEAD_BYTES,
} from './bus-format.js';
import { messageBytes, writeMessage } from './message.js';
import { PackBuffer, writeAscii, writeUint32 } from './pack-buffer.js';

export class PublishPackWriter {
  readonly #pack = new PackBuffer();
  readonly #peer: string;
  /** Of the run that is open: where its record begins, its group, how many messages it has. */
  #runStart = 0;
  #runGroup = '';
  #runCount = 0;
  #runNext = 0;

  constructor(peer: string) {
    this.#peer = peer;
    this.#pack.length = PUBLISH_HEAD_BYTES;
  }

  get isEmpty(): boolean {
    return this.#pack.length === PUBLISH_HEAD_BYTES;
  }

  get bytes(): number {
    return this.#pack.length;
  }

  /**
   * @param number of the publication on this lane of this peer to this node
   * @param alias by which the node may know the group from earlier packs; 0: none
   */
  publication(group: string, alias: number, publication: Publication, number: number): void {
    if (group !== this.#runGroup || number !== this.#runNext || this.#runCount >= MAX_COUNT) {
      this.#endRun();
      this.#beginRun(group, alias, number);
    }
    writeMessage(this.#pack, publication);
    this.#runCount++;
    this.#runNext = number + 1;
  }

  /** @param groups at most {@link MAX_COUNT} */
  publicationToMany(groups: readonly string[], publication: Publication, number: number): void {
    this.#endRun();
    const pack = this.#pack;
    let names = 4;
    for (const group of groups) names += 1 + group.length;
    const bytes = pack.reserve(RECORD_HEAD_BYTES + names + messageBytes(publication));
    const start = pack.length;
    let at = start + RECORD_HEAD_BYTES;
    at = bytes.writeUInt32LE(number, at);
    for (const group of groups) {
      bytes[at] = group.length;
      at = writeAscii(bytes, group, at + 1);
    }
    pack.length = at;
    writeMessage(pack, publication);
    writeHead(pack, start, PUBLISH.many, 0, groups.length);
  }

  /** The pack, empty again. */
  take(flags: number, number: number): Buffer {
    this.#endRun();
    const bytes = this.#pack.reserve(0);
    bytes[0] = PUBLISH_MARK;
    bytes[1] = FORM;
    bytes[2] = flags;
    bytes.writeUInt32LE(number, 3);
    writeAscii(bytes, this.#peer, PUBLISH_PEER_OFFSET);
    return this.#pack.take(PUBLISH_HEAD_BYTES);
  }

  #beginRun(group: string, alias: number, number: number): void {
    const pack = this.#pack;
    const bytes = pack.reserve(RECORD_HEAD_BYTES + PUBLISH_RUN_BYTES + group.length);
    this.#runStart = pack.length;
    this.#runGroup = group;
    writeUint32(bytes, number, pack.length + RECORD_HEAD_BYTES);
    writeUint32(bytes, alias, pack.length + RECORD_HEAD_BYTES + 4);
    pack.length = writeAscii(bytes, group, pack.length + RECORD_HEAD_BYTES + PUBLISH_RUN_BYTES);
  }

  #endRun(): void {
    if (this.#runCount > 0) writeHead(this.#pack, this.#runStart, PUBLISH.run, this.#runGroup.length, this.#runCount);
    this.#runGroup = '';
    this.#runCount = 0;
  }
}

/** Of the record that begins at `start` and ends with what there is. */
export function writeHead(pack: PackBuffer, start: number, kind: number, small: number, count: number): void {
  const { bytes, length } = pack;
  bytes[start] = kind;
  bytes[start + 1] = small;
  bytes[start + 2] = count;
  bytes[start + 3] = count >>> 8;
  writeUint32(bytes, length - start - RECORD_HEAD_BYTES, start + 4);
}
