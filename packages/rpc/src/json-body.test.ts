import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeJson, encodeJson } from './json-body.js';

describe('JSON bodies', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.stringify(decodeJson(encodeJson(value)))).toBe(JSON.stringify(value));
      }),
    );
  });

  it('have no line breaks, so that they may stand in lines', () => {
    const text = fc.string({ unit: fc.constantFrom('\n', '\r', '\u2028', '"', '\\', 'a') });
    fc.assert(
      fc.property(text, (key) => {
        expect(encodeJson({ [key]: [key] }).includes(0x0a)).toBe(false);
      }),
    );
  });

  it('are empty for no value', () => {
    expect(encodeJson(undefined).byteLength).toBe(0);
    expect(decodeJson(new Uint8Array(0))).toBeUndefined();
  });

  it('are refused when they are not UTF-8, begin with a byte order mark, or are no JSON', () => {
    for (const bytes of [[0x22, 0xff, 0x22], [0xef, 0xbb, 0xbf, 0x31], [0x7b], [0x31, 0x20, 0x31]]) {
      expect(() => decodeJson(new Uint8Array(bytes))).toThrow();
    }
  });
});
