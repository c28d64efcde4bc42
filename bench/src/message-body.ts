/**
 * The body that every system carries in every workload: JSON of a fixed size that says when it was made, so that
 * viewers can measure without parsing. Time is the machine's monotonic clock, the same in all processes.
 */
import type { Lane } from '@im/protocol';
import type { Said } from './corpus.js';

const MARK = Buffer.from('{"t":"');
const TIME_DIGITS = 16;
const LANE_AT = MARK.length + TIME_DIGITS + '","l":"'.length;
const NUMBER_AT = LANE_AT + '_","n":"'.length;
const NUMBER_DIGITS = 10;
const PREFIX_LENGTH = NUMBER_AT + NUMBER_DIGITS;

/** Microseconds. */
export function nowUs(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

/** @param number counts the messages of a lane, from 1 @param bytes at least 64 */
export function messageBody(lane: Lane, number: number, bytes: number): string {
  const start = `${prefix(lane, number)}","p":"`;
  return `${start}${'x'.repeat(Math.max(0, bytes - start.length - 2))}"}`;
}

/** As a chat carries it: of various sizes. @param number as above */
export function chatBody(lane: Lane, number: number, { user, name, text }: Said): string {
  return `${prefix(lane, number)}","from":${JSON.stringify({ user, name })},"text":${JSON.stringify(text)}}`;
}

function prefix(lane: Lane, number: number): string {
  const time = String(nowUs()).padStart(TIME_DIGITS, '0');
  return `{"t":"${time}","l":"${lane === 'normal' ? 'n' : 'p'}","n":"${String(number).padStart(NUMBER_DIGITS, '0')}`;
}

export interface SeenMessage {
  readonly lane: Lane;
  readonly number: number;
  readonly madeAtUs: number;
}

/** How many message bodies there are in a payload. */
export function countMessages(payload: Buffer): number {
  let count = 0;
  for (let at = payload.indexOf(MARK); at >= 0; at = payload.indexOf(MARK, at + PREFIX_LENGTH)) count += 1;
  return count;
}

/** The message bodies in a payload, in order. */
export function readMessages(payload: Buffer): SeenMessage[] {
  const seen: SeenMessage[] = [];
  for (let at = payload.indexOf(MARK); at >= 0; at = payload.indexOf(MARK, at + PREFIX_LENGTH)) {
    seen.push({
      lane: payload[at + LANE_AT] === 0x70 ? 'priority' : 'normal',
      number: Number(payload.toString('latin1', at + NUMBER_AT, at + NUMBER_AT + NUMBER_DIGITS)),
      madeAtUs: Number(payload.toString('latin1', at + MARK.length, at + MARK.length + TIME_DIGITS)),
    });
  }
  return seen;
}
