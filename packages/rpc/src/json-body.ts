/** The one place where bodies of typed services become values and back: JSON in UTF-8, an empty body for no value. */

const REPLACEMENT = '\ufffd';
const NOTHING = new Uint8Array(0);
// A byte order mark is no JSON; kept, it makes the parser say so.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The result is the caller's; it may be a view into a larger buffer. (TextEncoder would allocate one buffer a body,
 * which costs four times as much and burdens the garbage collector.)
 * @throws TypeError for what JSON cannot say (BigInt, cycles)
 */
export function encodeJson(value: unknown): Uint8Array {
  const text = JSON.stringify(value) as string | undefined;
  return text === undefined ? NOTHING : Buffer.from(text);
}

/** @throws SyntaxError or TypeError for what is no JSON in UTF-8 */
export function decodeJson(body: Uint8Array): unknown {
  if (body.length === 0) return undefined;
  // Buffer's decoder costs a quarter of TextDecoder's for a small body, but replaces what is no UTF-8 instead of refusing it.
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString();
  return JSON.parse(text.includes(REPLACEMENT) ? decoder.decode(body) : text);
}
