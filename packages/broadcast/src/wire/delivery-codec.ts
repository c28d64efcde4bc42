/**
 * Messages on the bus of the engines without nodes (Redis, NATS): one carries what a publisher's process says on one
 * channel, which is one lane of one group. Pure: bytes ↔ messages. Must not know who carries them.
 *
 * ```
 * bus message  form:u8=1 part…                                                       all numbers are little-endian
 * run          kind:u8=1 sender:f64 first:f64 lost:f64 count:u16 message…            normal lane
 * versioned    kind:u8=2 version:f64 epochBytes:u8 count:u16 epoch message…          versions follow each other
 * head         kind:u8=3 version:f64 epochBytes:u8 epoch
 * ```
 * with messages as in message.ts.
 */
import { type Delivery, ImError, isEventName, type Position, type Publication } from '@im/protocol';
import { endOfMessage, MessageReader, writeMessage } from './message.js';
import { PackBuffer } from './pack-buffer.js';

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
export interface PubSubMessageHandler {
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
/** Under construction: empty between two calls. */
const pack = new PackBuffer();

/** Of checked publications. */
export function encodeRun({ sender, first, lost, messages }: Run): Buffer {
  const bytes = pack.reserve(1 + RUN_HEAD_BYTES);
  bytes[0] = FORM;
  bytes[1] = KIND.run;
  bytes.writeDoubleLE(sender, 2);
  bytes.writeDoubleLE(first, 10);
  bytes.writeDoubleLE(lost, 18);
  pack.length = bytes.writeUInt16LE(messages.length, 26);
  for (const message of messages) writeMessage(pack, message);
  return pack.take(0);
}

/** Of checked publications. @param head where the log stands, told after them */
export function encodeVersioned(messages: readonly Versioned[], head?: Position): Buffer {
  pack.reserve(1)[0] = FORM;
  pack.length = 1;
  for (let index = 0; index < messages.length; ) {
    const length = lengthOfRun(messages, index);
    writePosition(KIND.versioned, (messages[index] as Versioned).position, length);
    for (const end = index + length; index < end; index += 1) {
      writeMessage(pack, (messages[index] as Versioned).publication);
    }
  }
  if (head !== undefined) writePosition(KIND.head, head);
  return pack.take(0);
}

function writePosition(kind: number, { epoch, version }: Position, count?: number): void {
  const bytes = pack.reserve(VERSIONED_HEAD_BYTES + epoch.length);
  bytes[pack.length] = kind;
  let at = bytes.writeDoubleLE(version, pack.length + 1);
  bytes[at] = epoch.length;
  at = count === undefined ? at + 1 : bytes.writeUInt16LE(count, at + 1);
  pack.length = at + bytes.write(epoch, at, 'latin1');
}

/**
 * Reads a bus message of one group. Bodies share the memory of `bytes`, which must not change any more. Parts before a
 * broken one are handled.
 * @throws ImError MALFORMED, for whatever the encoders do not make, and nothing else but what the handler throws
 */
export function readPubSubMessage(bytes: Buffer, group: string, handler: PubSubMessageHandler): void {
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

function readRun(bytes: Buffer, start: number, group: string, handler: PubSubMessageHandler): number {
  let at = need(bytes, start, RUN_HEAD_BYTES);
  const count = bytes.readUInt16LE(start + 25);
  const sender = wholeNumber(bytes, start + 1);
  const first = wholeNumber(bytes, start + 9);
  handler.onRun({ sender, first, lost: wholeNumber(bytes, start + 17), count });
  const reader = new MessageReader();
  for (let left = count; left > 0; left -= 1) {
    at = readMessage(reader, bytes, at);
    handler.onDelivery(reader.delivery(group));
  }
  return at;
}

function readVersioned(bytes: Buffer, start: number, group: string, handler: PubSubMessageHandler): number {
  const epochAt = need(bytes, start, VERSIONED_HEAD_BYTES);
  let version = wholeNumber(bytes, start + 1);
  let at = need(bytes, epochAt, bytes[start + 9] as number);
  const epoch = bytes.toString('latin1', epochAt, at);
  const reader = new MessageReader();
  for (let left = bytes.readUInt16LE(start + 10); left > 0; left -= 1) {
    at = readMessage(reader, bytes, at);
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

/** @returns where it ends. @throws ImError MALFORMED */
function readMessage(reader: MessageReader, bytes: Buffer, at: number): number {
  if (endOfMessage(bytes, at, bytes.length) < 0) throw malformed('a message is not whole');
  const { event } = reader;
  const end = reader.read(bytes, at);
  // Most repeat the event before, which is the same text then.
  if ((reader.event !== event || event === '') && !isEventName(reader.event)) throw malformed('not an event name');
  if (!Number.isSafeInteger(reader.time) || reader.time < 0) throw malformed('not a time');
  return end;
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
