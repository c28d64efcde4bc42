/** Owns: which text people may send to others. */
import { z } from 'zod';
import { applicationError } from './application-errors.js';

export interface TextRules {
  /** In characters (code points), after trimming. */
  readonly maxLength: number;
  readonly lineBreaks: 'kept' | 'spaces';
}

/**
 * What nobody types and nobody should see: controls, halves of characters, and marks that reverse the direction of what
 * follows, by which a line can be made to look like another.
 */
const REFUSED = /[\p{Cc}\p{Cs}\u202A-\u202E\u2066-\u2069]/u;

/** Text before the rules are applied: bounded, so that they cost little. */
export const rawText = z.string().max(16_384);

/** The text as it is sent on. @throws ImError TEXT_REFUSED */
export function checkedText(raw: string, { maxLength, lineBreaks }: TextRules): string {
  const text = raw
    .trim()
    .replace(/\r\n?|[\u2028\u2029]/g, '\n')
    .replaceAll('\t', ' ');
  const flat = text.replaceAll('\n', ' ');
  if (text === '') throw applicationError('TEXT_REFUSED', { reason: 'empty' });
  if (REFUSED.test(flat)) throw applicationError('TEXT_REFUSED', { reason: 'control' });
  const length = [...text].length;
  if (length > maxLength) throw applicationError('TEXT_REFUSED', { reason: 'long', length, maxLength });
  return lineBreaks === 'kept' ? text : flat;
}
