import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { contentDigest, filesBelow, outlineDigest } from './content-stamp.mjs';

let folder: string;
const file = (name: string) => path.join(folder, name);

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'stamp-'));
  mkdirSync(file('below'));
  writeFileSync(file('below/one.ts'), 'one');
  writeFileSync(file('two.test.ts'), 'two');
});

afterEach(() => rmSync(folder, { recursive: true }));

it('lists files of folders in a stable order, and leaves out what is not wanted', () => {
  expect(filesBelow(folder)).toEqual([file('below/one.ts'), file('two.test.ts')]);
  expect(filesBelow(folder, (name) => !name.endsWith('.test.ts'))).toEqual([file('below/one.ts')]);
  expect(filesBelow(file('absent'))).toEqual([]);
});

it('sees changed content, a removed file and a file with the same bytes under another name', () => {
  const files = filesBelow(folder);
  const before = contentDigest(files);
  writeFileSync(file('below/one.ts'), 'uno');
  const changed = contentDigest(files);
  rmSync(file('below/one.ts'));
  const removed = contentDigest(files);
  expect(new Set([before, changed, removed]).size).toBe(3);
  expect(contentDigest([file('absent')])).not.toBe(contentDigest([file('elsewhere')]));
});

it('does not take a touched source for a changed one, but a touched build for another build', () => {
  const files = filesBelow(folder);
  const [content, outline] = [contentDigest(files), outlineDigest(files)];
  utimesSync(file('below/one.ts'), 1, 1);
  expect(contentDigest(files)).toBe(content);
  expect(outlineDigest(files)).not.toBe(outline);
});
