/**
 * Owns: what blocks in the languages of `clients/` have to stand. They run with the client of their language, against a broker of their
 * own in place of the one at 127.0.0.1:
 *
 * - none: to its end, against a greeter that is served; a greeting that it prints must be the greeter's. One that speaks to
 *   the server of the documents runs against that, and prints what its comments `→ text` say;
 * - `stays`: it serves the greeter, and is called;
 * - `no-run`: a fragment, of which the grammar is checked.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { decodeJson, encodeJson, type Rpc } from '@im/rpc';
import { createZeromqBroker, createZeromqRpc, type ZeromqBroker } from '@im/rpc/zeromq';
import { expect } from 'vitest';
import { type Block, repository } from './documents.js';
import { EXAMPLE_SERVER, type Playground } from './playground.js';
import { nameOf } from './typescript.js';

type Command = readonly [file: string, ...args: string[]];

/** How a fragment becomes a program, and what runs it. */
interface Language {
  readonly extension: string;
  wrap(text: string): string;
  run(file: string): Command;
  /** Says whether the grammar is kept. */
  check(file: string): Command;
}

const GREETING = 'Hello, Ann';

/** Where Go's own installer puts it. */
const GO = 'PATH="$PATH:/usr/local/go/bin"';

const LANGUAGES: Readonly<Record<string, Language>> = {
  php: {
    extension: 'php',
    wrap: (text) =>
      [
        '<?php',
        'use Im\\{Caller, CallOptions, ErrorCode, HttpPushClient, ImError, PushMessage, Reply, Request, RpcPushClient, Worker};',
        `require '${repository}/clients/php/autoload.php';`,
        text,
      ].join('\n'),
    run: (file) => ['php', file],
    check: (file) => ['php', '-l', file],
  },
  python: {
    extension: 'py',
    wrap: (text) => `import sys\nsys.path.insert(0, '${repository}/clients/python')\n${text}`,
    run: (file) => ['/usr/bin/python3', file],
    check: (file) => ['/usr/bin/python3', '-m', 'py_compile', file],
  },
  go: {
    extension: 'go',
    wrap: wrapGo,
    // Not `go run`: it would not pass the signal on that ends it.
    run: (file) => ['sh', '-ec', `${GO}; cd "$1"; go build -o program .; exec ./program`, 'go', path.dirname(file)],
    check: (file) => ['sh', '-ec', `${GO}; gofmt -e "$1"`, 'gofmt', file],
  },
};

export async function proveClientProgram(block: Block, playground: Playground): Promise<void> {
  const language = LANGUAGES[block.language];
  if (language === undefined) throw new Error(`no client is written in ${block.language}`);
  switch (block.markers.join(' ')) {
    case '':
      if (block.text.includes(EXAMPLE_SERVER)) return await proveRunWithServer(block, language, playground);
      return await withBroker((broker) => proveRun(block, language, broker, playground));
    case 'stays':
      return await withBroker((broker) => proveServing(block, language, broker, playground));
    case 'no-run':
      return await proveGrammar(block, language, playground);
    default:
      throw new Error(`${block.language} has the markers stays and no-run, not: ${block.markers.join(' ')}`);
  }
}

interface Broker {
  readonly addresses: ZeromqBroker;
  readonly rpc: Rpc;
}

async function withBroker(run: (broker: Broker) => Promise<void>): Promise<void> {
  const addresses = await createZeromqBroker({ callers: 'tcp://127.0.0.1:*', workers: 'tcp://127.0.0.1:*' });
  const brokers = [{ callers: addresses.callersAddress, workers: addresses.workersAddress }];
  const rpc = createZeromqRpc({ brokers });
  try {
    await run({ addresses, rpc });
  } finally {
    await rpc.close();
    await addresses.close();
  }
}

async function proveRun(block: Block, language: Language, { addresses, rpc }: Broker, playground: Playground) {
  await rpc.createWorker().serve({
    name: 'greeter',
    version: '1',
    methods: ['greet'],
    handle: async ({ body }) => {
      const { name } = decodeJson(body) as { name: string };
      return { body: encodeJson({ text: `Hello, ${name}` }), headers: {} };
    },
  });
  const [file, ...args] = language.run(write(block, language, playground, addresses));
  const { exitCode, stdout, output } = await playground.run(file, args);
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${output}`);
  if (/\b(echo|print)/i.test(block.text)) expect(stdout).toContain(GREETING);
}

async function proveRunWithServer(block: Block, language: Language, playground: Playground): Promise<void> {
  const addressed = { ...block, text: await playground.addressed(block.text) };
  const [file, ...args] = language.run(write(addressed, language, playground, undefined));
  const { exitCode, stdout, output } = await playground.run(file, args);
  if (exitCode !== 0) throw new Error(`exit code ${exitCode}\n${output}`);
  const told = [...block.text.matchAll(/(?:\/\/|#) → (.*)/g)].map(([, line = '']) => line);
  expect(stdout.split('\n').slice(0, -1)).toEqual(told);
}

async function proveServing(block: Block, language: Language, { addresses, rpc }: Broker, playground: Playground) {
  const [file, ...args] = language.run(write(block, language, playground, addresses));
  const program = playground.start(file, args);
  const caller = rpc.createCaller();
  try {
    await program.until(async () => {
      const { body } = await caller.call('greeter', 'greet', encodeJson({ name: 'Ann' }), { timeoutMs: 2_000 });
      expect(decodeJson(body)).toEqual({ text: GREETING });
    });
  } finally {
    await program.stop();
  }
}

async function proveGrammar(block: Block, language: Language, playground: Playground): Promise<void> {
  const [file, ...args] = language.check(write(block, language, playground, undefined));
  const { exitCode, output } = await playground.run(file, args);
  if (exitCode !== 0) throw new Error(output);
}

/** @returns the program's file */
function write(
  block: Block,
  { extension, wrap }: Language,
  { folder }: Playground,
  broker: ZeromqBroker | undefined,
): string {
  const own = path.join(folder, path.basename(nameOf(block)));
  mkdirSync(own, { recursive: true });
  const text = block.text
    .replaceAll('tcp://127.0.0.1:7401', broker?.callersAddress ?? '')
    .replaceAll('tcp://127.0.0.1:7402', broker?.workersAddress ?? '');
  if (extension === 'go') {
    const module = 'example.org/im/clients/go';
    const lines = [
      'module example',
      'go 1.19',
      `require ${module} v0.0.0`,
      `replace ${module} => ${repository}/clients/go`,
    ];
    writeFileSync(path.join(own, 'go.mod'), `${lines.join('\n')}\n`);
  }
  const file = path.join(own, `main.${extension}`);
  writeFileSync(file, wrap(text));
  return file;
}

/** A fragment of Go in a `main` of its own, with the imports that it uses. */
function wrapGo(text: string): string {
  const packages = ['context', 'errors', 'fmt', 'os/signal', 'syscall'];
  const used = packages.filter((name) => new RegExp(`\\b${name.split('/').at(-1)}\\.`).test(text));
  const imports = [...new Set([...used, 'context', 'os'])].map((name) => `\t"${name}"`).join('\n');
  return `package main

import (
${imports}

	im "example.org/im/clients/go"
)

func main() {
	ctx := context.Background()
${text}
	if _ = ctx; err != nil {
		os.Exit(1)
	}
}
`;
}
