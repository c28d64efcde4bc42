import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  EVERYONE,
  isGroupId,
  isName,
  isProduct,
  MAX_GROUP_ID_LENGTH,
  parseGroupId,
  parseTopic,
  roomGroup,
  topicOf,
  userGroup,
  withoutProduct,
  withProduct,
} from './group-id.js';
import { ImError } from './im-error.js';

const letters = (pattern: string, max: number) =>
  fc.string({ unit: fc.constantFrom(...pattern), minLength: 1, maxLength: max });
const LOWER = 'abcdefghijklmnopqrstuvwxyz';
const name = letters(`${LOWER}${LOWER.toUpperCase()}0123456789_-`, 64);
const kind = letters(LOWER, 8);
const product = fc.tuple(fc.constantFrom(...LOWER), fc.option(letters(`${LOWER}0123456789`, 15), { nil: '' }));
const group = fc.record({
  product: fc.option(
    product.map((parts) => parts.join('')),
    { nil: undefined },
  ),
  kind,
  name,
});

describe('a group id', () => {
  it('[PR-60] is parsed into the parts it was made of', () => {
    fc.assert(
      fc.property(group, (parts) => {
        const text = withProduct(parts.product, `${parts.kind}:${parts.name}`);
        expect(isGroupId(text)).toBe(true);
        expect(parseGroupId(text)).toEqual(parts);
        expect(withoutProduct(text)).toBe(`${parts.kind}:${parts.name}`);
        expect(text.length).toBeLessThanOrEqual(MAX_GROUP_ID_LENGTH);
      }),
    );
  });

  it.each([
    '',
    'r',
    'r:',
    ':1',
    'R:1',
    'r1:1',
    'r:a b',
    'r:a.b',
    'r:a:b',
    'r:é',
    'r:1\n',
    ' r:1',
    '/r:1',
    'P/r:1',
    '1p/r:1',
    'p-1/r:1',
    'a/b/r:1',
    '__proto__',
    'abcdefghi:1',
    `r:${'x'.repeat(65)}`,
    `${'p'.repeat(17)}/r:1`,
    `r:${'x'.repeat(1_000_000)}`,
  ])('[PR-60] is not %.40j', (text) => {
    expect(isGroupId(text)).toBe(false);
    expect(() => parseGroupId(text)).toThrow(ImError);
    expect(() => parseGroupId(text)).toThrow(expect.objectContaining({ name: 'GROUP_INVALID' }));
  });

  it('shows at most the length of a group id of what it refuses', () => {
    expect(() => parseGroupId('x'.repeat(10_000))).toThrow(/^.{1,120}$/);
  });

  it('of a user or a room is made of a valid name alone', () => {
    expect(userGroup('ann')).toBe('u:ann');
    expect(roomGroup('0')).toBe(EVERYONE);
    expect(() => userGroup('a/u:b')).toThrow(ImError);
    expect(() => roomGroup('')).toThrow(ImError);
  });

  it('goes without product when it has none', () => {
    expect(withProduct(undefined, 'r:1')).toBe('r:1');
    expect(withoutProduct('r:1')).toBe('r:1');
  });
});

describe('names and products', () => {
  it('have their grammar', () => {
    expect(['a', 'A_-9', 'x'.repeat(64)].every(isName)).toBe(true);
    expect(['', 'a.b', 'a b', 'é', 'a\n', 'x'.repeat(65)].some(isName)).toBe(false);
    expect(['p', 'p1', 'p'.repeat(16)].every(isProduct)).toBe(true);
    expect(['', '1p', 'P', 'p_', 'p\n', 'p'.repeat(17)].some(isProduct)).toBe(false);
  });
});

describe('a topic', () => {
  it('names group and lane, and gives both back', () => {
    expect(topicOf('r:1', 'normal')).toBe('r:1._');
    expect(topicOf('r:1', 'priority')).toBe('r:1.n');
    fc.assert(
      fc.property(group, fc.constantFrom('normal' as const, 'priority' as const), (parts, lane) => {
        const id = withProduct(parts.product, `${parts.kind}:${parts.name}`);
        expect(parseTopic(topicOf(id, lane))).toEqual({ group: id, lane });
      }),
    );
  });

  it.each(['', '._', 'r:1', 'r:1.x', 'r:1._ ', 'r:1.n._', 'r:.n'])('is not %j', (text) => {
    expect(() => parseTopic(text)).toThrow(expect.objectContaining({ name: 'GROUP_INVALID' }));
  });
});
