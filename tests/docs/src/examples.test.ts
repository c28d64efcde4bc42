/** Every fenced block of every document does what its document says. CONTRIBUTING.md tells authors how. */
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { proveCommand } from './command-line.js';
import { type Block, readDocuments } from './documents.js';
import { type Playground, Workplace } from './playground.js';
import { prove } from './prove.js';
import { parseCommands } from './shell-commands.js';
import { checkBlocks, type Mistakes } from './typescript.js';

/** A command within a sentence. */
const COMMAND = /^([A-Z_]+=\S+ )*(npm|npx|node|im) \S|^\.\w+\/\w+$/;

const documents = readDocuments();
let workplace: Workplace;
let mistakesOf: Mistakes;

beforeAll(async () => {
  workplace = new Workplace();
  const blocks = documents.flatMap(({ blocks }) => blocks);
  mistakesOf = await checkBlocks(blocks, workplace.folder);
});

afterAll(() => workplace.remove());

describe.each(documents.map((document) => [document.path, document] as const))('%s', (path, { blocks, spans }) => {
  let playground: Playground;
  beforeAll(() => {
    playground = workplace.playground(path);
  });
  afterAll(() => playground.close());

  it.each(blocks.map((block) => [headOf(block), block] as const))('%s does what it says', async (_, block) => {
    await prove(block, mistakesOf, playground);
  });

  it('names only commands that are there', async () => {
    const mistakes: string[] = [];
    for (const { line, text } of spans.filter(({ text }) => COMMAND.test(text))) {
      for (const command of parseCommands(text)) {
        await proveCommand(command, dirname(path)).catch((error) => mistakes.push(`line ${line}: ${error}`));
      }
    }
    expect(mistakes).toEqual([]);
  });
});

const headOf = ({ line, language, markers }: Block): string => ['line', line, language, ...markers].join(' ').trimEnd();
