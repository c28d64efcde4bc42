/**
 * Where the raw bytes of `data` lie in a line: bodies are handed on as they came, never encoded again.
 * Knows the lexical form of one object, not what its members mean.
 */
import { ImError } from '../im-error.js';
import { BACKSLASH, COMMA, endOfValue, QUOTE, skipSpace } from './lexical-scan.js';

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
    const colon = skipSpace(line, nameEnd + 1);
    const start = skipSpace(line, colon + 1);
    const end = endOfValue(line, start);
    if (isData(line, at + 1, nameEnd)) data = line.subarray(start, end);
    at = skipSpace(line, end);
    if (line[at] === COMMA) at = skipSpace(line, at + 1);
  }
  return data;
}

function endOfName(line: Uint8Array, start: number): number {
  let at = start;
  while (at < line.length && line[at] !== QUOTE) {
    if (line[at] === BACKSLASH) {
      throw new ImError('MALFORMED', { message: 'a top-level name is written with an escape' });
    }
    at++;
  }
  return at;
}

function isData(line: Uint8Array, start: number, end: number): boolean {
  return (
    end - start === 4 &&
    line[start] === 0x64 && // d
    line[start + 1] === 0x61 && // a
    line[start + 2] === 0x74 && // t
    line[start + 3] === 0x61 // a
  );
}
