/** A document that is wrong fails, and its author learns where and why. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDocument } from './documents.js';
import { type Playground, Workplace } from './playground.js';
import { prove } from './prove.js';
import { checkBlocks, type Mistakes } from './typescript.js';

/** Blocks, each with what is said about it. */
const WRONG: readonly (readonly [fence: string, text: string, mistake: RegExp])[] = [
  ['ts', "import { createGateway } from '@im/gateway';\n\ncreateGateway();", /^line 4: error TS2554/],
  ['ts', 'const list: string[] = [];\nconst first: string = list[0];', /TS2322/],
  ['ts', "throw new Error('oh');", /exit code 1[\s\S]*oh[\s\S]*DOC\.md:\d+/],
  ['ts', 'console.log(1); // → 2', /what it prints/],
  ['ts', 'console.log(1);', /what it prints/],
  ['ts stays', "console.log('a'); // → b", /it ended: [\s\S]*what it does not print/],
  ['ts serves', "console.log('no');", /it ended: .*ECONNREFUSED/],
  ['ts norun', 'export {};', /markers stays, serves and no-run, not: norun/],
  ['sh', 'frobnicate --all', /frobnicate is not known/],
  ['sh', 'npm run frobnicate', /no script "frobnicate"/],
  ['sh', 'npm start -- --frobnicate', /does not know --frobnicate/],
  ['sh', 'npm install @im/frobnicate', /not published/],
  ['sh', 'npm install frobnicate', /not in the catalog/],
  ['sh', 'node frobnicate.mjs', /no file frobnicate.mjs/],
  ['sh', 'im frobnicate', /unknown command frobnicate/],
  ['sh', 'npm start\ncurl http://127.0.0.1:8080/', /a block of its own/],
  ['sh', 'curl https://example.org/', /not to https:\/\/example.org/],
  ['sh', 'curl http://127.0.0.1:8080/v1/push -d {}', /exit code 22[\s\S]*UNAUTHORIZED/],
  ['json', '{"a":1,}', /JSON/],
  ['ini', 'ExecStart=/usr/bin/node /opt/im/apps/im/dist/main.js serve --frobnicate', /does not know --frobnicate/],
  ['ini', 'Environment=IM_FROBNICATE=1', /does not know the variable IM_FROBNICATE/],
  ['ini', 'frobnicate', /neither a \[Section\]/],
  ['', 'npm start', /say the language/],
  ['cobol', 'STOP RUN.', /nothing proves cobol/],
];

const { blocks } = parseDocument(
  'DOC.md',
  WRONG.map(([fence, text]) => `\`\`\`${fence}\n${text}\n\`\`\`\n\nThen:\n`).join('\n'),
);
let workplace: Workplace;
let playground: Playground;
let mistakesOf: Mistakes;

beforeAll(async () => {
  workplace = new Workplace();
  playground = workplace.playground('DOC.md');
  mistakesOf = await checkBlocks(blocks, workplace.folder);
});

afterAll(async () => {
  await playground.close().finally(() => workplace.remove());
});

describe('a wrong block', () => {
  it.each(WRONG.map(([fence, text, mistake], index) => [`${fence}: ${text}`, mistake, index] as const))(
    'fails: %s',
    async (_, mistake, index) => {
      const block = blocks[index];
      if (block === undefined) throw new Error('there is no such block');
      await expect(prove(block, mistakesOf, playground)).rejects.toThrow(mistake);
    },
  );
});
