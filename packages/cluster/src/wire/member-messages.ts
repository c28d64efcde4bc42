/** What members send to managers: one JSON object a message, which people can read in a capture. */
import { ImError } from '@im/protocol';
import { type Bye, type Heartbeat, MAX_EPOCH } from '../heartbeat.js';
import { decode, type Fields, readInteger, readName, readNumber, readRecord, Unfit } from './fields.js';
import { readNodeInfo } from './node-info-fields.js';

export const MAX_HEARTBEAT_BYTES = 8_192;
export const MIN_INTERVAL_MS = 50;
export const MAX_INTERVAL_MS = 60_000;

/** @throws ImError CONFIG_INVALID when managers would not take it */
export function encodeMemberMessage(message: Heartbeat | Bye): Buffer {
  const bytes = Buffer.from(JSON.stringify(message));
  if (decodeMemberMessage(bytes) !== undefined) return bytes;
  throw new ImError('CONFIG_INVALID', {
    message: `what this node says of itself is refused by managers: a name, a number or its ${bytes.length} bytes`,
    details: { bytes: bytes.length, maxBytes: MAX_HEARTBEAT_BYTES },
  });
}

/** @returns undefined for what is not ours */
export function decodeMemberMessage(bytes: Uint8Array): Heartbeat | Bye | undefined {
  return bytes.length > MAX_HEARTBEAT_BYTES ? undefined : decode(bytes, readMemberMessage);
}

function readMemberMessage(message: Fields): Heartbeat | Bye {
  switch (message.kind) {
    case 'heartbeat':
      return {
        kind: 'heartbeat',
        node: readNodeInfo(message.node),
        figures: readRecord(message.figures, (value) => readNumber(value, -Number.MAX_VALUE, Number.MAX_VALUE)),
        intervalMs: readInteger(message.intervalMs, MIN_INTERVAL_MS, MAX_INTERVAL_MS),
        epoch: readInteger(message.epoch, 0, MAX_EPOCH),
      };
    case 'bye':
      return { kind: 'bye', id: readName(message.id), incarnation: readName(message.incarnation) };
    default:
      throw new Unfit();
  }
}
