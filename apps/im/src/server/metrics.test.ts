/** docs/metrics.md lists every figure of a server at work, with its type and its labels, and apart from them all others. */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createClient } from '@im/client-sdk';
import { RecordingLogger } from '@im/protocol/testing';
import { createMetrics, createShutdown, readConfig, recordProcessFigures, type Shutdown } from '@im/runtime';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { serveSettings } from '../commands/serve.js';
import { allInOne } from './arrangement.js';
import { startServer } from './server.js';

// Opening a store takes its time where others work too.
vi.setConfig({ testTimeout: 20_000 });

let folder: string;
let shutdown: Shutdown;
let origin: string;
/** Says who a token belongs to. */
let backend: Server;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'im-metrics-'));
  await writeFile(path.join(folder, 'index.html'), '');
  backend = createServer((_, response) => response.end('{"user":"ann"}'));
  await new Promise<void>((resolve) => backend.listen(0, '127.0.0.1', resolve));
  const { port } = backend.address() as AddressInfo;
  const logger = new RecordingLogger();
  shutdown = createShutdown({ logger });
  const metrics = createMetrics();
  shutdown.add({ name: 'process figures', stop: recordProcessFigures(metrics) });
  const config = readConfig(serveSettings, {
    arguments: [
      '--port',
      '0',
      '--data',
      path.join(folder, 'data'),
      '--verify-url',
      `http://127.0.0.1:${port}`,
      '--metrics-open',
      '--offline-service',
      'mobile',
    ],
    environment: {},
  });
  const arrangement = allInOne(config);
  ({ origin } = await startServer({ config, site: folder, version: '1', logger, metrics, shutdown, arrangement }));
});
afterEach(async () => {
  await shutdown.stop(undefined);
  backend.closeAllConnections();
  await new Promise((resolve) => backend.close(resolve));
  await rm(folder, { recursive: true });
});

it('docs/metrics.md lists each figure with its type and labels', async () => {
  await work();
  const recorded = parseFigures(await (await fetch(`${origin}/metrics`)).text());
  const document = await readFile(path.resolve(import.meta.dirname, '../../../../docs/metrics.md'), 'utf8');
  const [listed = [], elsewhere = []] = document
    .split('## Engines that `im serve` does not use')
    .map((part) => part.split('\n').flatMap(parseRow));
  expect(elsewhere.filter((figure) => recorded.includes(figure))).toEqual([]);
  expect(listed.length).toBeGreaterThan(50);
  expect(listed.sort()).toEqual(recorded);
});

/** A little of everything that is recorded only once it happens. */
async function work(): Promise<void> {
  const client = createClient({ url: `${origin.replace('http', 'ws')}/im`, token: 'ann', WebSocket });
  client.connect();
  await client.enter('1');
  await expect(client.call('chat.send', {})).rejects.toMatchObject({ name: 'INVALID_INPUT' });
  client.close();
  await fetch(`${origin}/v1/push`, { method: 'POST', body: '{}' });
}

/** Of Prometheus text, each figure as `name type labels`. */
function parseFigures(text: string): string[] {
  return [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)]
    .map(([, name = '', type = '']) => {
      const [, labels = ''] = new RegExp(`^${name}(?:_bucket)?(?:\\{(.*)\\})? `, 'm').exec(text) ?? [];
      const names = [...labels.matchAll(/(\w+)="/g)].map(([, label]) => label).filter((label) => label !== 'le');
      return [name, type, ...names.sort()].join(' ');
    })
    .sort();
}

/** The same of a row `| name | type | labels | … |`; nothing of other lines. */
function parseRow(line: string): string[] {
  const [, name, type, labels = ''] = /^\| `(im_\w+)` \| (\w+) \| ([^|]*)\|/.exec(line) ?? [];
  if (name === undefined || type === undefined) return [];
  const names = [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label);
  return [[name, type, ...names.sort()].join(' ')];
}
