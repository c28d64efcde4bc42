/** The plain form at the edge of the broker: its messages become packs on their way in, packs become messages on their way out. */

import { refusalWith } from '../broker/refusals.js';
import { readMessage, writeMessage } from '../wire/message.js';
import { PackReader } from '../wire/pack-reader.js';
import { PackWriter } from '../wire/pack-writer.js';
import { decodePlain, encodePlain, type MalformedPlain } from '../wire/plain-codec.js';
import { KIND, NO_ID } from '../wire/record.js';

const writer = new PackWriter();
const reader = new PackReader();

export interface PlainPack {
  readonly kind: 'pack';
  readonly frames: Buffer[];
  /** Whether the sender said its clock. */
  readonly isTimed: boolean;
}

/** @returns undefined for what is to be ignored */
export function plainToPack(frames: readonly Buffer[]): PlainPack | MalformedPlain | undefined {
  const message = decodePlain(frames);
  if (message.kind === 'malformed') return message;
  if (message.kind === 'unknown') return undefined;
  writeMessage(writer, message);
  return { kind: 'pack', frames: writer.take(message.sentAtMs ?? 0), isTimed: message.sentAtMs !== undefined };
}

/** One ZeroMQ message for each record. */
export function packToPlain(frames: readonly Buffer[]): Buffer[][] {
  const messages: Buffer[][] = [];
  reader.open(frames);
  while (reader.next()) {
    const message = readMessage(reader);
    if (message !== undefined) messages.push(encodePlain(message));
  }
  return messages;
}

/** What answers a message that is none. */
export function malformedAnswer({ id = NO_ID, reason }: MalformedPlain): Buffer[] {
  writer.text(KIND.error, id, refusalWith('MALFORMED', { reason }));
  return writer.take(0);
}
