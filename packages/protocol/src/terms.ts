/** The grammar of what a publication says of itself beside its body: labels, and the terms of a normal message. */
import type { Terms } from './delivery.js';
import { MAX_ID_LENGTH } from './limits.js';

/** Halves of surrogate pairs have no UTF-8: two labels could become the same. */
const HALF_PAIR = /\p{Surrogate}/u;
const NOT_A_LABEL = `not well-formed text of 1 to ${MAX_ID_LENGTH} characters`;

/** Whether the value may stand as message id, sender or key: well-formed text of 1 to {@link MAX_ID_LENGTH} characters. */
export function isLabel(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_ID_LENGTH && !HALF_PAIR.test(value);
}

export interface TermsFault {
  /** `sender`, `reserved`, `conflate` or one of its members, such as `conflate.key`. */
  readonly field: string;
  readonly problem: string;
}

/** What breaks the grammar of terms, wherever they come from; undefined when nothing does. Members that are not known are ignored. */
export function faultOfTerms(terms: { readonly [Member in keyof Terms]?: unknown }): TermsFault | undefined {
  const { sender, reserved, conflate } = terms;
  if (sender !== undefined && !isLabel(sender)) return { field: 'sender', problem: NOT_A_LABEL };
  if (reserved !== undefined && typeof reserved !== 'boolean')
    return { field: 'reserved', problem: 'not true or false' };
  return conflate === undefined ? undefined : faultOfConflation(conflate);
}

function faultOfConflation(conflate: unknown): TermsFault | undefined {
  if (typeof conflate !== 'object' || conflate === null) return { field: 'conflate', problem: 'not an object' };
  const { mode, key, amount } = conflate as Record<string, unknown>;
  if (mode !== 'latest' && mode !== 'sum') return { field: 'conflate.mode', problem: 'neither latest nor sum' };
  if (!isLabel(key)) return { field: 'conflate.key', problem: NOT_A_LABEL };
  const isSum = mode === 'sum';
  if (isSum ? Number.isSafeInteger(amount) : amount === undefined) return undefined;
  return { field: 'conflate.amount', problem: isSum ? 'not an integer' : 'only with sum' };
}
