/** The grammar of single fields of client messages (docs/protocol.md): narrowing checks, nothing else. */
import { isGroupId } from '../group-id.js';
import { MAX_ID_LENGTH, MAX_POSITIONS } from '../limits.js';
import type { Position, Positions } from '../messages.js';

const PLATFORM = /^[a-z]{1,16}$/;
const METHOD = /^[a-zA-Z][A-Za-z0-9_-]{0,63}\.[a-zA-Z][A-Za-z0-9_-]{0,63}$/;
const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** PR-20 */
export function isId(value: unknown): value is number {
  return isInteger(value, 1);
}

/** A safe integer from `min` to `max`. */
export function isInteger(value: unknown, min: number, max = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max;
}

/** At most `max` characters, counted as Unicode code points, as most languages do. */
export function isText(value: unknown, max: number): value is string {
  if (typeof value !== 'string') return false;
  return value.length <= max || (value.length <= 2 * max && [...value].length <= max);
}

/** Keys and epochs: 1 to 64 visible ASCII characters. */
export function isToken(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_ID_LENGTH && VISIBLE_ASCII.test(value);
}

export function isPlatform(value: unknown): value is string {
  return typeof value === 'string' && PLATFORM.test(value);
}

/** PR-50 */
export function isMethod(value: unknown): value is string {
  return typeof value === 'string' && METHOD.test(value);
}

/** PR-61: clients never name a product; one that did would reach into another product's groups. */
export function isClientGroup(value: unknown): value is string {
  return typeof value === 'string' && isGroupId(value) && !value.includes('/');
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Positions by group, rebuilt without members that do not belong there; undefined when they break their grammar. */
export function readPositions(value: unknown): Positions | undefined {
  if (!isObject(value)) return undefined;
  const groups = Object.keys(value);
  if (groups.length > MAX_POSITIONS || !groups.every(isClientGroup)) return undefined;
  const positions: Record<string, Position> = {};
  for (const group of groups) {
    const position = value[group];
    if (!isObject(position) || !isToken(position.epoch) || !isInteger(position.version, 0)) return undefined;
    positions[group] = { epoch: position.epoch, version: position.version };
  }
  return positions;
}
