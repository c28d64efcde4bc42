/**
 * Messages on the bus of the engines without nodes (Redis, NATS): one carries what a publisher's process says on one
 * channel, which is one lane of one group. Pure: bytes ↔ messages. Must not know who carries them.
 *
 * ```
 * bus message  form:u8=1 part…                                                       all numbers are little-endian
 * run          kind:u8=1 sender:f64 first:f64 lost:f64 count:u16 message…            normal lane
 * versioned    kind:u8=2 version:f64 epochBytes:u8 count:u16 epoch message…          versions follow each other
 * head         kind:u8=3 version:f64 epochBytes:u8 epoch
 * message      bodyBytes:u32 time:f64 eventBytes:u8 idBytes:u8 event id body
 * ```
 */
import { type Delivery, ImError, isEventName, MAX_BODY_BYTES, type Position, type Publication } from '@im/protocol';

/** Normal messages of one sender, numbered on their channel from 0; `lost` were dropped right before `first`. */
export interface Run {
  /** Identity of the sending process: a whole number up to 2^53. */
  readonly sender: number;
  readonly first: number;
  readonly lost: number;
  readonly messages: readonly Publication[];
}

export interface Versioned {
  readonly publication: Publication;
  readonly position: Position;
}

/** What is done with the parts of a bus message, in their order. */
export interface BusMessageHandler {
  /** A run of `count` messages begins: each follows by `onDelivery`. */
  onRun(run: { readonly sender: number; readonly first: number; readonly lost: number; readonly count: number }): void;
  onDelivery(delivery: Delivery): void;
  onHead(position: Position): void;
}

/** Messages of one part. */
export const MAX_RUN = 65_535;

const FORM = 1;
const KIND = { run: 1, versioned: 2, head: 3 } as const;
const RUN_HEAD_BYTES = 27;
const VERSIONED_HEAD_BYTES = 12;
const HEAD_HEAD_BYTES = 10;
const MESSAGE_HEAD_BYTES = 14;

/** At most what a message takes on the wire. */
export function messageBytes({ event, body, id }: Publication): number {
  return MESSAGE_HEAD_BYTES + event.length + body.byteLength + (id === undefined ? 0 : id.length * 3);
}

/** Of checked publications. */
export function encodeRun({ sender, first, lost, messages }: Run): Buffer {
  const bytes = Buffer.allocUnsafe(1 + RUN_HEAD_BYTES + sizeOf(messages));
  bytes[0] = FORM;
  bytes[1] = KIND.run;
  bytes.writeDoubleLE(sender, 2);
  bytes.writeDoubleLE(first, 10);
  bytes.writeDoubleLE(lost, 18);
  let at = bytes.writeUInt16LE(messages.length, 26);
  for (const message of messages) at = writeMessage(bytes, at, message);
  return bytes.subarray(0, at);
}

/** Of checked publications. @param head where the log stands, told after them */
export function encodeVersioned(messages: readonly Versioned[], head?: Position): Buffer {
  let size = 1 + (head === undefined ? 0 : HEAD_HEAD_BYTES + head.epoch.length);
  for (const { publication, position } of messages) {
    size += VERSIONED_HEAD_BYTES + position.epoch.length + messageBytes(publication);
  }
  const bytes = Buffer.allocUnsafe(size);
  bytes[0] = FORM;
  let at = 1;
  for (let index = 0; index < messages.length; ) {
    const length = lengthOfRun(messages, index);
    const { position } = messages[index] as Versioned;
    bytes[at] = KIND.versioned;
    at = bytes.writeDoubleLE(position.version, at + 1);
    bytes[at] = position.epoch.length;
    at = bytes.writeUInt16LE(length, at + 1);
    at += bytes.write(position.epoch, at, 'latin1');
    for (const end = index + length; index < end; index += 1) {
      at = writeMessage(bytes, at, (messages[index] as Versioned).publication);
    }
  }
  if (head !== undefined) {
    bytes[at] = KIND.head;
    at = bytes.writeDoubleLE(head.version, at + 1);
    bytes[at] = head.epoch.length;
    at += 1 + bytes.write(head.epoch, at + 1, 'latin1');
  }
  return bytes.subarray(0, at);
}

/**
 * Reads a bus message of one group. Bodies share the memory of `bytes`, which must not change any more. Parts before a
 * broken one are handled.
 * @throws ImError MALFORMED, for whatever the encoders do not make, and nothing else but what the handler throws
 */
export function readBusMessage(bytes: Buffer, group: string, handler: BusMessageHandler): void {
  if (bytes[0] !== FORM) throw malformed(`form ${bytes[0] ?? 'none'}`);
  for (let at = 1; at < bytes.length; ) {
    switch (bytes[at]) {
      case KIND.run:
        at = readRun(bytes, at, group, handler);
        break;
      case KIND.versioned:
        at = readVersioned(bytes, at, group, handler);
        break;
      case KIND.head: {
        const epochAt = need(bytes, at, HEAD_HEAD_BYTES);
        const end = need(bytes, epochAt, bytes[at + 9] as number);
        handler.onHead({ epoch: bytes.toString('latin1', epochAt, end), version: wholeNumber(bytes, at + 1) });
        at = end;
        break;
      }
      default:
        throw malformed(`part ${bytes[at]}`);
    }
  }
}

function readRun(bytes: Buffer, start: number, group: string, handler: BusMessageHandler): number {
  let at = need(bytes, start, RUN_HEAD_BYTES);
  const count = bytes.readUInt16LE(start + 25);
  const [sender, first, lost] = [start + 1, start + 9, start + 17].map((place) => wholeNumber(bytes, place));
  handler.onRun({ sender: sender as number, first: first as number, lost: lost as number, count });
  const reader = new MessageReader(bytes);
  for (let left = count; left > 0; left -= 1) {
    at = reader.read(at);
    const { event, body, id, time } = reader;
    handler.onDelivery(
      id === undefined
        ? { lane: 'normal', event, body, time, group }
        : { lane: 'normal', event, body, id, time, group },
    );
  }
  return at;
}

function readVersioned(bytes: Buffer, start: number, group: string, handler: BusMessageHandler): number {
  const epochAt = need(bytes, start, VERSIONED_HEAD_BYTES);
  let version = wholeNumber(bytes, start + 1);
  let at = need(bytes, epochAt, bytes[start + 9] as number);
  const epoch = bytes.toString('latin1', epochAt, at);
  const reader = new MessageReader(bytes);
  for (let left = bytes.readUInt16LE(start + 10); left > 0; left -= 1) {
    at = reader.read(at);
    const { event, body, id, time } = reader;
    handler.onDelivery(
      id === undefined
        ? { lane: 'priority', event, body, time, group, epoch, version }
        : { lane: 'priority', event, body, id, time, group, epoch, version },
    );
    version += 1;
  }
  return at;
}

/** Reads messages that follow each other; an event that repeats is one text. */
class MessageReader {
  event = '';
  id: string | undefined;
  time = 0;
  body: Uint8Array = new Uint8Array(0);
  readonly #bytes: Buffer;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** @returns where it ends. @throws ImError MALFORMED */
  read(start: number): number {
    const bytes = this.#bytes;
    const eventAt = need(bytes, start, MESSAGE_HEAD_BYTES);
    const bodyBytes = bytes.readUInt32LE(start);
    if (bodyBytes > MAX_BODY_BYTES) throw malformed('a body is too large');
    this.time = wholeNumber(bytes, start + 4);
    const idAt = need(bytes, eventAt, bytes[start + 12] as number);
    const bodyAt = need(bytes, idAt, bytes[start + 13] as number);
    const end = need(bytes, bodyAt, bodyBytes);
    this.#readEvent(eventAt, idAt);
    this.id = bodyAt === idAt ? undefined : bytes.toString('utf8', idAt, bodyAt);
    this.body = new Uint8Array(bytes.buffer, bytes.byteOffset + bodyAt, bodyBytes);
    return end;
  }

  #readEvent(start: number, end: number): void {
    const bytes = this.#bytes;
    const last = this.event;
    let same = last.length === end - start ? 0 : -1;
    while (same >= 0 && same < last.length && bytes[start + same] === last.charCodeAt(same)) same += 1;
    if (last !== '' && same === last.length) return;
    const event = bytes.toString('latin1', start, end);
    if (!isEventName(event)) throw malformed('not an event name');
    this.event = event;
  }
}

function lengthOfRun(messages: readonly Versioned[], start: number): number {
  const first = (messages[start] as Versioned).position;
  let length = 1;
  for (; length < MAX_RUN; length += 1) {
    const position = messages[start + length]?.position;
    if (position === undefined || position.epoch !== first.epoch || position.version !== first.version + length) break;
  }
  return length;
}

function sizeOf(messages: readonly Publication[]): number {
  let size = 0;
  for (const message of messages) size += messageBytes(message);
  return size;
}

function writeMessage(bytes: Buffer, start: number, { event, body, id, time }: Publication): number {
  bytes.writeUInt32LE(body.byteLength, start);
  bytes.writeDoubleLE(time, start + 4);
  bytes[start + 12] = event.length;
  let at = start + MESSAGE_HEAD_BYTES;
  at += bytes.write(event, at, 'latin1');
  const idBytes = id === undefined ? 0 : bytes.write(id, at, 'utf8');
  bytes[start + 13] = idBytes;
  at += idBytes;
  bytes.set(body, at);
  return at + body.byteLength;
}

/** @returns the end of so many bytes from there */
function need(bytes: Buffer, at: number, count: number): number {
  if (at + count > bytes.length) throw malformed('it is cut off');
  return at + count;
}

function wholeNumber(bytes: Buffer, at: number): number {
  const number = bytes.readDoubleLE(at);
  if (!Number.isSafeInteger(number) || number < 0) throw malformed('not a whole number');
  return number;
}

function malformed(problem: string): ImError {
  return new ImError('MALFORMED', { message: `not a bus message: ${problem}` });
}
