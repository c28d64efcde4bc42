import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLineSplitter } from './line-splitter.js';

function split(chunks: Uint8Array[]): string[] {
  const lines: string[] = [];
  const splitter = createLineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return lines;
}

it('gives the same lines however the bytes are cut', () => {
  const character = fc.constantFrom('a', 'é', '好', '🌹', ' ', '\u0000', '\ufffd');
  const line = fc.array(character, { maxLength: 20 }).map((characters) => characters.join(''));
  const text = fc.array(line, { minLength: 1, maxLength: 10 });
  fc.assert(
    fc.property(text, fc.integer({ min: 1, max: 7 }), (lines, size) => {
      const bytes = new TextEncoder().encode(lines.join('\n'));
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
        bytes.subarray(index * size, (index + 1) * size),
      );
      expect(split(chunks)).toEqual(lines.at(-1) === '' ? lines.slice(0, -1) : lines);
    }),
  );
});

it('drops a carriage return before the line break', () => {
  expect(split([Buffer.from('a\r\nb\r\n')])).toEqual(['a', 'b']);
});

it('cuts endless lines instead of keeping them', () => {
  expect(split([Buffer.alloc(150_000, 'x')]).map(({ length }) => length)).toEqual([65_536, 65_536, 18_928]);
});
