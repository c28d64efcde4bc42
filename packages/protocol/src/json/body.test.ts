import { describe, expect, it } from 'vitest';
import { MAX_NESTING } from '../limits.js';
import { isJsonBody } from './body.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

describe('isJsonBody', () => {
  it.each(['null', '0', '"a\\nb"', '{"a":[1,{"b":"\u{1f680}"}]}', ' [1,\t2] ', nested(MAX_NESTING)])(
    'takes %.40j',
    (text) => {
      expect(isJsonBody(utf8(text))).toBe(true);
    },
  );

  it.each(['', ' ', 'undefined', '{', '{"a":\n1}', '1\n', 'NaN', "'a'", '\ufeff1', '1 2', nested(MAX_NESTING + 1)])(
    'refuses %.40j',
    (text) => {
      expect(isJsonBody(utf8(text))).toBe(false);
    },
  );

  it('refuses what is not UTF-8', () => {
    expect(isJsonBody(new Uint8Array([0x22, 0xff, 0x22]))).toBe(false);
  });
});
