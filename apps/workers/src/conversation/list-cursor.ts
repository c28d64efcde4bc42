/** Owns: where a page of somebody's conversations ends, as clients hand it back. */
import { z } from 'zod';

export interface ListCursor {
  /** Conversations of two go on behind this notice of the person's log … */
  readonly notice: number;
  /** … and groups behind this one, in the order of when something happened there last. */
  readonly at: number;
  readonly group: string;
}

export const LIST_START: ListCursor = { notice: Number.MAX_SAFE_INTEGER, at: Number.MAX_SAFE_INTEGER, group: '' };

const CURSOR = /^([1-9]\d{0,15})\.(\d{1,16})\.((?:g:[A-Za-z0-9_-]{1,64})?)$/;

export const listCursor = z.string().regex(CURSOR, { message: 'not what a page gave' });

/** Only for what {@link listCursor} let through. */
export function readListCursor(text: string): ListCursor {
  const [, notice, at, group = ''] = CURSOR.exec(text) ?? [];
  return { notice: Math.min(Number(notice), Number.MAX_SAFE_INTEGER), at: Number(at), group };
}

export function writeListCursor({ notice, at, group }: ListCursor): string {
  return `${notice}.${at}.${group}`;
}
