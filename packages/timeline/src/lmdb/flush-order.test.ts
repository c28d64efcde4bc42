/** A killed process leaves its pages to the kernel, so a kill proves nothing about the loss of power: system calls do. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { useProgram } from '../fixtures/program.js';
import { acknowledgements, toldTooEarly } from './fixtures/flush-order.js';
import { useStoreFolders } from './fixtures/store-folder.js';
import { parseSystemCalls, type SystemCall, tracing, whyNoTrace } from './fixtures/system-calls.js';

const ENOUGH = 40;

const folders = useStoreFolders();
const program = new URL('./fixtures/append-and-tell.ts', import.meta.url);
const programs = {
  'the store': useProgram(program),
  'one that never flushes': useProgram(program, { lmdb: new URL('./fixtures/unflushed-lmdb.ts', import.meta.url) }),
};

const reason = whyNoTrace();
const skipped = reason === undefined ? '' : ` (SKIPPED: ${reason})`;
if (reason !== undefined) process.stderr.write(`durability is not proven here: ${reason}\n`);

describe.skipIf(reason !== undefined)(`acknowledgements in a trace of system calls${skipped}`, () => {
  /** What a program does until it has told of enough. */
  async function traced(
    name: keyof typeof programs,
    what: 'entries' | 'records',
  ): Promise<{ calls: SystemCall[]; file: string }> {
    const folder = folders.folder();
    const trace = path.join(folders.folder(), 'trace');
    const program = await programs[name]({ under: tracing(trace) }, folder, '4', what);
    let told = 0;
    for await (const line of program.lines) {
      if (line.startsWith('stored')) told += 1;
      // The last ones may be cut off in the trace.
      if (told === ENOUGH + 10) await program.kill();
    }
    return { calls: parseSystemCalls(readFileSync(trace, 'latin1')), file: path.join(folder, 'data.mdb') };
  }

  const each = it.each(['entries', 'records'] as const);

  each(
    'of the store come after the flush of what they tell of: %s',
    async (what) => {
      const { calls, file } = await traced('the store', what);
      expect(acknowledgements(calls).length).toBeGreaterThanOrEqual(ENOUGH);
      expect(toldTooEarly(calls, file)).toEqual([]);
    },
    60_000,
  );

  each(
    'of one that never flushes do not, which this finds out: %s',
    async (what) => {
      const { calls, file } = await traced('one that never flushes', what);
      expect(acknowledgements(calls).length).toBeGreaterThanOrEqual(ENOUGH);
      expect(toldTooEarly(calls, file)).toHaveLength(acknowledgements(calls).length);
    },
    60_000,
  );
});

describe('an acknowledgement in a trace', () => {
  const OPEN = '7 openat(AT_FDCWD</>, "/s/data.mdb", O_WRONLY|O_DSYNC|O_CLOEXEC) = 9</s/data.mdb>';
  const PAGES = '7 pwrite64(8</s/data.mdb>, "\\0\\1id:0-1;\\0", 4096, 40960) = 4096';
  const FLUSH = '7 fdatasync(8</s/data.mdb>) = 0';
  const META = '7 pwrite64(9</s/data.mdb>, "\\0\\0", 136, 4120) = 136';
  const META_UNFLUSHED = META.replace('(9', '(8');
  const TOLD = '5 write(1<pipe:[1]>, "stored d:0 1 id:0-1;\\n", 21) = 21';

  it.each([
    ['follows all three steps', [PAGES, FLUSH, META, TOLD], true],
    ['follows a meta page that is flushed by itself', [PAGES, FLUSH, META_UNFLUSHED, FLUSH, TOLD], true],
    ['comes before the meta page', [PAGES, FLUSH, TOLD, META], false],
    ['comes while the meta page is written', [PAGES, FLUSH, META.replace(/\).*/, ' <unfinished ...>'), TOLD], false],
    ['follows a meta page that is not flushed', [PAGES, FLUSH, META_UNFLUSHED, TOLD], false],
    ['follows a flush that failed', [PAGES, FLUSH.replace('= 0', '= -1 EIO (Input/output error)'), META, TOLD], false],
    ['follows a flush that began before the pages were written', [FLUSH, PAGES, META, TOLD], false],
    ['tells of what was never written', [FLUSH, META, TOLD], false],
  ])('that %s is told apart', (_, lines, inTime) => {
    const calls = parseSystemCalls([OPEN, ...lines].join('\n'));
    expect(toldTooEarly(calls, '/s/data.mdb')).toEqual(inTime ? [] : ['stored d:0 1 id:0-1;']);
  });
});
