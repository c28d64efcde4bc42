/**
 * What people say in live rooms, some hundred lines a language: written for this, in the manner of such rooms, with their short
 * and long lines, names and signs. Part of the repository, so that figures can be compared.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export const CORPORA = ['zh', 'en'] as const;
export type Corpus = (typeof CORPORA)[number];

export interface Said {
  readonly user: string;
  readonly name: string;
  readonly text: string;
}

/** The lines of a language, in an order that is always the same. */
export function readCorpus(corpus: Corpus): readonly Said[] {
  const file = path.join(import.meta.dirname, `../corpus/chat-${corpus}.txt`);
  const users = new Map<string, string>();
  return readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const [name = '', text = ''] = line.split('\t');
      const user = users.get(name) ?? String(100_237 + users.size * 7_919);
      users.set(name, user);
      return { user, name, text };
    });
}
