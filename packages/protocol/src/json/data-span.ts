/**
 * Where the raw bytes of `data` lie in a line: bodies are handed on as they came, never encoded again.
 * Knows the lexical form of JSON only.
 */
import { ImError } from '../im-error.js';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const SPACE = 0x20;

/**
 * The value of the top-level member `data` without surrounding whitespace, as a view into `line`; of several the last,
 * as with JSON.parse. Undefined when there is none.
 * @param line one object that JSON.parse has accepted: the scan relies on it being well-formed
 * @throws ImError MALFORMED when a top-level name is written with an escape (PR-9): it could be another way to write `data`
 */
export function findData(line: Uint8Array): Uint8Array | undefined {
  let data: Uint8Array | undefined;
  let at = skipSpace(line, skipSpace(line, 0) + 1);
  while (line[at] === QUOTE) {
    const nameEnd = endOfName(line, at + 1);
    const isData = isDataName(line, at + 1, nameEnd);
    const start = skipSpace(line, skipTo(line, nameEnd + 1, COLON) + 1);
    const end = endOfValue(line, start);
    if (isData) data = line.subarray(start, end);
    at = skipSpace(line, end);
    if (line[at] === COMMA) at = skipSpace(line, at + 1);
  }
  return data;
}

function endOfName(line: Uint8Array, start: number): number {
  let at = start;
  while (at < line.length && line[at] !== QUOTE) {
    if (line[at] === BACKSLASH)
      throw new ImError('MALFORMED', { message: 'a top-level name is written with an escape' });
    at++;
  }
  return at;
}

function isDataName(line: Uint8Array, start: number, end: number): boolean {
  return (
    end - start === 4 &&
    line[start] === 0x64 && // d
    line[start + 1] === 0x61 && // a
    line[start + 2] === 0x74 && // t
    line[start + 3] === 0x61 // a
  );
}

function endOfValue(line: Uint8Array, start: number): number {
  const first = line[start];
  if (first === QUOTE) return endOfString(line, start);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return endOfNested(line, start);
  let at = start;
  while (at < line.length) {
    const byte = line[at] as number;
    if (byte === COMMA || byte === CLOSE_BRACE || byte <= SPACE) break;
    at++;
  }
  return at;
}

function endOfNested(line: Uint8Array, start: number): number {
  let depth = 0;
  let at = start;
  while (at < line.length) {
    const byte = line[at];
    if (byte === QUOTE) {
      at = endOfString(line, at);
      continue;
    }
    at++;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    else if ((byte === CLOSE_BRACE || byte === CLOSE_BRACKET) && --depth === 0) break;
  }
  return at;
}

/** Behind the closing quote. Bytes of multi-byte characters are all above 0x7f and cannot be mistaken for a quote. */
function endOfString(line: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < line.length && line[at] !== QUOTE) at += line[at] === BACKSLASH ? 2 : 1;
  return at + 1;
}

function skipSpace(line: Uint8Array, start: number): number {
  let at = start;
  while (at < line.length && (line[at] as number) <= SPACE) at++;
  return at;
}

function skipTo(line: Uint8Array, start: number, wanted: number): number {
  let at = start;
  while (at < line.length && line[at] !== wanted) at++;
  return at;
}
