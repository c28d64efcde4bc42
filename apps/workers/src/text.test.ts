import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkedText } from './text.js';

const CHAT = { maxLength: 10, lineBreaks: 'spaces' } as const;
const reasonOf = (raw: string): unknown => {
  try {
    checkedText(raw, CHAT);
    return undefined;
  } catch (error) {
    return (error as { details: { reason: string } }).details.reason;
  }
};

describe('text', () => {
  it('is trimmed', () => expect(checkedText('  hi \n', CHAT)).toBe('hi'));

  it('has its line breaks kept or made spaces', () => {
    expect(checkedText('a\r\nb\rc\u2028d', CHAT)).toBe('a b c d');
    expect(checkedText('a\r\nb\rc\u2028d', { ...CHAT, lineBreaks: 'kept' })).toBe('a\nb\nc\nd');
  });

  it('is counted in characters, not in code units', () => {
    expect(checkedText('🌹'.repeat(10), CHAT)).toHaveLength(20);
    expect(reasonOf('🌹'.repeat(11))).toBe('long');
  });

  it('keeps what people type: Chinese, emoji of several parts, accents', () => {
    for (const text of ['主播好棒！', '👩‍👩‍👧', 'é à ü', 'مرحبا']) expect(checkedText(text, CHAT)).toBe(text);
  });

  it.each(['', '   ', '\n\t'])('is refused when empty: %j', (raw) => expect(reasonOf(raw)).toBe('empty'));

  it.each(['a\u0000b', 'a\u001b[2Jb', 'a\u202eb', 'a\u2066b', 'a\ud800b', 'a\u0085b'])(
    'is refused with a control character: %j',
    (raw) => expect(reasonOf(raw)).toBe('control'),
  );

  it('is always within the rules once it is through', () => {
    const character = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));
    const common = fc.constantFrom('a', '好', '🌹', ' ', '\n', '\t', '\r', '\u202e');
    const text = fc.array(fc.oneof(common, character), { maxLength: 30 }).map((characters) => characters.join(''));
    fc.assert(
      fc.property(text, (raw) => {
        if (reasonOf(raw) !== undefined) return;
        const sent = checkedText(raw, CHAT);
        expect([...sent].length).toBeLessThanOrEqual(10);
        expect(sent).toMatch(/^[^\p{Cc}\p{Cs}]+$/u);
        expect(checkedText(sent, CHAT)).toBe(sent);
      }),
    );
  });
});
