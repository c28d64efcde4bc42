/**
 * Walking over the bytes of JSON text without parsing it. Everything here relies on text that JSON.parse has accepted;
 * on anything else it ends, with a result that has no meaning. Bytes of multi-byte characters are all above 0x7f and
 * cannot be mistaken for a delimiter.
 */

export const QUOTE = 0x22;
export const BACKSLASH = 0x5c;
export const COMMA = 0x2c;
const CLOSE_BRACE = 0x7d;
const SPACE = 0x20;

/** The first byte from `start` on that is no whitespace. */
export function skipSpace(json: Uint8Array, start: number): number {
  let at = start;
  while (at < json.length && (json[at] as number) <= SPACE) at++;
  return at;
}

/** Behind the string that begins at `start`. */
function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

/** Behind the value that begins at `start`: a member of an object, so that a comma or a brace follows. */
export function endOfValue(json: Uint8Array, start: number): number {
  const first = json[start] as number;
  if (first === QUOTE) return endOfString(json, start);
  if (opens(first)) return endOfNested(json, start);
  let at = start;
  while (at < json.length && !endsScalar(json[at] as number)) at++;
  return at;
}

/** How many arrays and objects deep a value is: 0 for a scalar, 1 for `[]`. */
export function nestingOf(json: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < json.length; ) {
    const byte = json[at] as number;
    if (byte === QUOTE) {
      at = endOfString(json, at);
      continue;
    }
    if (opens(byte)) deepest = Math.max(deepest, ++depth);
    else if (closes(byte)) depth--;
    at++;
  }
  return deepest;
}

function endOfNested(json: Uint8Array, start: number): number {
  let depth = 0;
  let at = start;
  while (at < json.length) {
    const byte = json[at] as number;
    if (byte === QUOTE) {
      at = endOfString(json, at);
      continue;
    }
    at++;
    if (opens(byte)) depth++;
    else if (closes(byte) && --depth === 0) break;
  }
  return at;
}

/** `[` and `{`, which differ in one bit. */
function opens(byte: number): boolean {
  return (byte | 0x20) === 0x7b;
}

/** `]` and `}`. */
function closes(byte: number): boolean {
  return (byte | 0x20) === 0x7d;
}

function endsScalar(byte: number): boolean {
  return byte === COMMA || byte === CLOSE_BRACE || byte <= SPACE;
}
