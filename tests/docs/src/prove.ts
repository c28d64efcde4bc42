/** Owns: which languages blocks may have, and what proves each. A language that is not known here fails. */
import { proveClientProgram } from './client-programs.js';
import type { Block } from './documents.js';
import { proveDiagram } from './mermaid.js';
import type { Playground } from './playground.js';
import { proveProgram } from './programs.js';
import { proveShell } from './shell.js';
import { proveUnit } from './systemd.js';
import type { Mistakes } from './typescript.js';

/** @throws Error saying what is wrong, and what to do about it */
export async function prove(block: Block, mistakesOf: Mistakes, playground: Playground): Promise<void> {
  const mistakes = mistakesOf(block);
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  switch (block.language) {
    case 'ts':
    case 'js':
      return await proveProgram(block, playground);
    case 'sh':
      return await proveShell(block, playground);
    case 'json':
      return proveJson(block.text);
    case 'ini':
      return await proveUnit(block.text);
    case 'mermaid':
      return proveDiagram(block.text);
    case '':
      return provePicture(block.text);
    case 'php':
    case 'python':
    case 'go':
      return await proveClientProgram(block, playground);
    default:
      throw new Error(`nothing proves ${block.language}: use another language, or teach tests/docs/src/prove.ts`);
  }
}

/** One value, or one a line. */
function proveJson(text: string): void {
  try {
    for (const line of text.split('\n')) JSON.parse(line);
  } catch {
    JSON.parse(text);
  }
}

/** A block without a language is a picture: what could be tried says what it is. */
function provePicture(text: string): void {
  const line = text.split('\n').find((line) => /^\s*(\$|npm|npx|node|im|curl|import|const|await)\s/.test(line));
  if (line !== undefined) throw new Error(`say the language of the block, so that it can be tried: ${line}`);
}
