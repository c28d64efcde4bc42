/**
 * Owns: what a `ts` or `js` block has to stand, beside the compiler. What it prints stands in comments `// → text`, `…` for what
 * varies. Its marker says how it runs:
 *
 * - none: to its end, exiting with 0, and prints that in this order;
 * - `stays`: until it has printed that, in any order;
 * - `serves`: until it has, and takes a connection on port 8080, which is its own;
 * - `no-run`: not at all, because it needs a page, or something that a reader has and we have not.
 */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import path from 'node:path';
import { transform } from 'esbuild';
import { expect } from 'vitest';
import type { Block } from './documents.js';
import type { Playground } from './playground.js';
import type { RunningProgram } from './running-program.js';
import { nameOf, sourceOf } from './typescript.js';

export async function proveProgram(block: Block, playground: Playground): Promise<void> {
  switch (block.markers.join(' ')) {
    case '':
      return await proveRun(block, playground);
    case 'stays':
      return await proveStaying(block, playground);
    case 'serves':
      return await proveServer(block, playground);
    case 'no-run':
      return;
    default:
      throw new Error(`${block.language} has the markers stays, serves and no-run, not: ${block.markers.join(' ')}`);
  }
}

async function proveRun(block: Block, playground: Playground): Promise<void> {
  const args = await writeProgram(block, await playground.addressed(sourceOf(block)), playground);
  const { exitCode, wasKilled, stdout, output } = await playground.run(process.execPath, args);
  if (wasKilled) throw new Error(`it does not end: is it to be marked stays, or serves?\n${output}`);
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${output}`);
  const told = toldLines(block.text);
  const printed = linesOf(stdout).map((line, index) => (fits(line, told[index] ?? '') ? told[index] : line));
  expect(printed, 'what it prints, and what its comments `// → …` say').toEqual(told);
}

/** @returns what Node is to be called with, so that stacks name lines of the document */
async function writeProgram(block: Block, source: string, { folder }: Playground): Promise<string[]> {
  const options = {
    loader: 'ts',
    format: 'esm',
    target: 'node20',
    sourcemap: 'inline',
    sourcefile: block.document,
  } as const;
  const { code } = await transform(source, options);
  const program = path.join(folder, `${path.basename(nameOf(block))}.mjs`);
  writeFileSync(program, code);
  return ['--enable-source-maps', program];
}

async function proveStaying(block: Block, playground: Playground): Promise<void> {
  const args = await writeProgram(block, await playground.addressed(sourceOf(block)), playground);
  const program = playground.start(process.execPath, args);
  await stoppedAfter(program, () => expectLines(program, block));
}

async function proveServer(block: Block, playground: Playground): Promise<void> {
  const port = await freePort();
  const args = await writeProgram(block, sourceOf(block).replaceAll(/\b8080\b/g, String(port)), playground);
  const program = playground.start(process.execPath, args);
  await stoppedAfter(program, async () => {
    await knock(port);
    expectLines(program, block);
  });
}

function expectLines({ stdout }: RunningProgram, { text }: Block): void {
  const missing = toldLines(text).filter((line) => !linesOf(stdout).some((printed) => fits(printed, line)));
  expect(missing, 'what it does not print').toEqual([]);
}

async function stoppedAfter(program: RunningProgram, check: () => void | Promise<void>): Promise<void> {
  try {
    await program.until(check);
  } finally {
    const { wasKilled, output } = await program.stop();
    expect(wasKilled, `it does not end after SIGTERM\n${output}`).toBe(false);
  }
}

/** What an example says that it prints. */
const toldLines = (text: string): string[] => [...text.matchAll(/\/\/ → (.*)/g)].map(([, line = '']) => line);

const linesOf = (output: string): string[] => output.split('\n').slice(0, -1);

function fits(printed: string, told: string): boolean {
  const parts = told.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(printed);
}

/** @throws unless somebody listens there */
async function knock(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
