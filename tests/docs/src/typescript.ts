/**
 * Owns: checking `ts` and `js` blocks: all of them as one program, as strictly as the packages themselves, against their sources.
 */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { type Block, repository } from './documents.js';

/** What the compiler says to a block, each with its line in the document. */
export type Mistakes = (block: Block) => readonly string[];

/**
 * @param folder below which third parties' packages are found; gets the sources
 * @throws Error when the compiler complains of something else than a block
 */
export async function checkBlocks(blocks: readonly Block[], folder: string): Promise<Mistakes> {
  const sources = path.join(folder, 'sources');
  for (const block of blocks.filter(({ language }) => language === 'ts' || language === 'js')) {
    const file = path.join(sources, nameOf(block));
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, sourceOf(block));
  }
  const config = {
    extends: path.join(repository, 'tsconfig.base.json'),
    compilerOptions: {
      ...{ noEmit: true, allowJs: true, checkJs: true, moduleDetection: 'force' },
      ...{ types: ['node'], lib: ['ES2022', 'DOM', 'DOM.Iterable'] },
    },
    include: [sources],
  };
  writeFileSync(path.join(folder, 'tsconfig.json'), JSON.stringify(config));
  const messages = readMessages(await compile(folder));
  return (block) => messages.filter(({ file }) => file === nameOf(block)).map(({ text }) => text);
}

/** Lines of a source are lines of its document. */
export const sourceOf = ({ line, text }: Block): string => '\n'.repeat(line) + text;

/** Unique. */
export const nameOf = ({ document, line, language }: Block): string => `${document}.${line}.${language}`;

function compile(folder: string): Promise<string> {
  const { resolve } = createRequire(import.meta.url);
  const compiler = path.join(path.dirname(resolve('typescript7/package.json')), 'bin/tsc');
  const args = [compiler, '-p', folder, '--pretty', 'false'];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { cwd: folder }, (_error, stdout, stderr) => resolve(stdout + stderr));
  });
}

/** Of lines such as `sources/README.md.12.ts(20,5): error TS2304: Cannot find name 'x'.`, further ones indented. */
function readMessages(output: string): { file: string; text: string }[] {
  const messages = output.split(/\n(?=\S)/).filter((message) => message.trim() !== '');
  return messages.map((message) => {
    const [, file, line, text] = /^sources\/(.+?)\((\d+),\d+\): (.*)$/s.exec(message.trimEnd()) ?? [];
    if (file === undefined) throw new Error(`the examples cannot be checked: ${message}`);
    return { file, text: `line ${line}: ${text}` };
  });
}
