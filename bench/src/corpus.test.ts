import { expect, it } from 'vitest';
import { CORPORA, readCorpus } from './corpus.js';
import { chatBody, countMessages, readMessages } from './message-body.js';

it.each(CORPORA)(
  '%s has hundreds of different lines, each of somebody, and bodies that viewers can count',
  (corpus) => {
    const lines = readCorpus(corpus);
    expect(lines.length).toBeGreaterThanOrEqual(400);
    expect(new Set(lines.map(({ text }) => text)).size).toBe(lines.length);
    const names = new Map(lines.map(({ user, name }) => [user, name]));
    expect(names.size).toBe(new Set(lines.map(({ name }) => name)).size);
    for (const { name, text } of lines) expect([name, text].every((each) => each.trim() !== '')).toBe(true);
    const payload = Buffer.from(lines.map((said, i) => chatBody('normal', i + 1, said)).join('\n'));
    expect(countMessages(payload)).toBe(lines.length);
    expect(readMessages(payload).map(({ number }) => number)).toEqual(lines.map((_, i) => i + 1));
    for (const line of payload.toString().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ text: expect.any(String) });
  },
);
