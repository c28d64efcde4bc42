/** docs/push.md says what the code does: its examples are carried out in order, its table is held against the code. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Broadcast } from '@im/broadcast';
import { createMemoryBroadcast } from '@im/broadcast/memory';
import { FakeSequencer } from '@im/broadcast/testing';
import { ERROR_CODES, type ErrorName, ImError } from '@im/protocol';
import type { Rpc } from '@im/rpc';
import { createMemoryRpc } from '@im/rpc/memory';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { httpStatus } from './endpoint/http-status.js';
import { createPushEndpoint } from './endpoint/index.js';
import { createPushClient } from './publisher-push-client.js';
import { FakeReceipts } from './testing/index.js';

const TOKEN = 'the-token-of-the-examples';
const text = readFileSync(new URL('../../../docs/push.md', import.meta.url), 'utf8');
const examples = [...text.matchAll(/```sh\n(curl [\s\S]*?)```\n```json\n([\s\S]*?)```/g)].map(
  ([, command = '', answer = '']) => ({ command, answer }),
);

let broadcast: Broadcast;
let rpc: Rpc;
let server: Server;

beforeAll(async () => {
  broadcast = createMemoryBroadcast({ sequencer: new FakeSequencer() });
  rpc = createMemoryRpc();
  await new FakeReceipts().serve(rpc.createWorker());
  const client = createPushClient({ publisher: broadcast.createPublisher(), receipts: rpc.createCaller() });
  const endpoint = createPushEndpoint({ client, tokens: [TOKEN] });
  server = createServer((request, response) => void endpoint(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rpc.close();
  await broadcast.close();
});

describe('docs/push.md', () => {
  it('has an answer below every curl command', () => {
    expect(examples.length).toBeGreaterThan(5);
    expect(examples).toHaveLength(text.split('\ncurl ').length - 1);
  });

  it.each(examples)('is answered as it says: $command', async ({ command, answer }) => {
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { url, ...init } = toRequest(command.replace('http://127.0.0.1:8080', origin));
    expect(await (await fetch(url, init)).text()).toBe(answer);
  });

  it('lists the status of every error it names', () => {
    const named = [...text.matchAll(/^\| ([45]\d\d) \| ((?:`[A-Z_]+` ?)+)\|/gm)].flatMap(([, status, names = '']) =>
      [...names.matchAll(/[A-Z_]+/g)].map(([name]) => [name, Number(status)] as const),
    );
    // What is answered with 405 is wrong in a way that no code of the registry says.
    for (const [name, status] of named.filter(([, status]) => status !== 405)) {
      expect([name, httpStatus(new ImError(name as ErrorName))]).toEqual([name, status]);
    }
    const unnamed = (Object.keys(ERROR_CODES) as ErrorName[]).filter(
      (name) => !named.some(([known]) => known === name),
    );
    for (const name of unnamed) {
      expect([name, httpStatus(new ImError(name))]).toEqual([name, ERROR_CODES[name].retryable ? 503 : 500]);
    }
  });
});

/** The request that curl would send, as far as the examples use curl. */
function toRequest(command: string): RequestInit & { readonly url: string } {
  const words = shellWords(command);
  const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
  let url = '';
  let body: string | undefined;
  for (let i = 1; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '-H') {
      const [name = '', value = ''] = (words[++i] ?? '').split(/: (.*)/s);
      headers[name.toLowerCase()] = value;
    } else if (word === '-d' || word === '--data-binary') body = words[++i] ?? '';
    else if (url === '') url = word;
    else throw new Error(`this test does not know ${word}`);
  }
  return { url, headers, ...(body !== undefined && { method: 'POST', body }) };
}

function shellWords(command: string): string[] {
  const words = [...command.replaceAll('\\\n', ' ').matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)];
  return words.map(([, single, double, bare]) => single ?? double?.replace('$IM_PUSH_TOKEN', TOKEN) ?? bare ?? '');
}
