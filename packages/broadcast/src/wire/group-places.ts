/** Positions in the logs of several groups, as a delivery pack tells them: an epoch is told where it is another one than before. */
import { PLACE_BYTES, RECORD_HEAD_BYTES } from './bus-format.js';
import { type PackBuffer, writeAscii } from './pack-buffer.js';

export interface GroupPlace {
  readonly group: string;
  readonly version: number;
  readonly epoch: string;
}

/** Begins a record with them, and leaves room for the message. @returns where the record begins */
export function beginWithPlaces(pack: PackBuffer, places: readonly GroupPlace[], bytesOfMessage: number): number {
  let names = 0;
  for (const { group, epoch } of places) names += PLACE_BYTES + group.length + epoch.length;
  const bytes = pack.reserve(RECORD_HEAD_BYTES + names + bytesOfMessage);
  const record = pack.length;
  let at = record + RECORD_HEAD_BYTES;
  let known = '';
  for (const { group, version, epoch } of places) {
    const told = epoch === known ? '' : epoch;
    known = epoch;
    at = bytes.writeDoubleLE(version, at);
    bytes[at++] = group.length;
    bytes[at++] = told.length;
    at = writeAscii(bytes, group, at);
    at = writeAscii(bytes, told, at);
  }
  pack.length = at;
  return record;
}
