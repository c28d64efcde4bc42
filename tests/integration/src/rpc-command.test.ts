/** `im rpc` beside a running `im up`, and keys between its processes. */
import { mkdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { ImProcess, Up } from './im-process.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 20_000, interval: 20 };

const workplace = new Workplace();
let folder: string;

async function startUp(...args: string[]): Promise<Up> {
  const up = new Up(['--workers', '1', ...args], folder);
  await workplace.open(up);
  return up;
}

const im = (...args: string[]) => new ImProcess(args, folder).finished();
const rows = (output: string): string[][] =>
  output
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));

describe('im rpc', () => {
  let up: Up;
  beforeAll(async () => {
    folder = await workplace.folder();
    up = await startUp('--brokers', '2');
  });
  afterAll(() => workplace.clear());

  it('shows services, workers and sums of every broker in aligned columns', async () => {
    const { code, output } = await im('rpc', 'services');
    const [titles, ...services] = rows(output);
    expect([code, titles?.slice(0, 3), titles?.at(-1)]).toEqual([0, ['SERVICE', 'VERSIONS', 'WORKERS'], 'BROKER']);
    expect(services.map(([name]) => name)).toEqual(
      up.brokers.flatMap(() => [
        'relay-log',
        'relay-record',
        'auth',
        'room',
        'chat',
        'gift',
        'conversation',
        'receipt',
        'push',
        'relay-online',
      ]),
    );
    const places = output.split('\n').map((line) => line.indexOf('closed'));
    expect(new Set(places.filter((place) => place >= 0)).size).toBe(1);
    expect(rows((await im('rpc', 'workers')).output)).toHaveLength(1 + 2 * 10);
    expect(rows((await im('rpc', 'stats')).output)).toHaveLength(1 + 2);
  });

  it('shows one broker alone when it is named, and JSON to scripts', async () => {
    const { output } = await im('rpc', 'stats', '--json', '--broker', up.brokers[1] as string);
    expect(JSON.parse(output)).toMatchObject([{ broker: up.brokers[1], services: 10, workers: 10 }]);
  });

  it('calls a method as a program would, and as a gateway does for a person', async () => {
    const { code, output } = await im('rpc', 'call', 'gift.catalogue', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({
      gifts: expect.arrayContaining([expect.objectContaining({ gift: 'rose' })]),
    });
    const send = () =>
      im('rpc', 'call', 'conversation.send', '{"to":"bob","text":"hi"}', '--as', 'ann', '--key', 'k1', '--json');
    const [first, again] = [await send(), await send()];
    expect(JSON.parse(first.output)).toMatchObject({ version: 1 });
    expect(again).toEqual(first);
  });

  it.each([
    [['gift.nothing'], 1, 'im rpc call: METHOD_UNKNOWN (301): the service has no such method\n'],
    [['nobody.there'], 1, 'im rpc call: SERVICE_UNKNOWN (300): no such service\n'],
    [['gift.send', '{"room":'], 78, 'im rpc call: the input is not JSON: {"room":\n'],
    [['room.count', '{"room":"1"}'], 1, expect.stringContaining('FORBIDDEN')],
    [['room.count', '{"room":1}', '--as', 'ann'], 1, expect.stringContaining('"path":["room"]')],
    [[], 78, expect.stringContaining('method: missing, expected service.method (set <method>)')],
    [['gift'], 78, expect.stringContaining('expected service.method, got "gift"')],
    [
      ['gift.catalogue', '--broker', 'here'],
      78,
      expect.stringContaining('each tcp://host:port or ipc:///absolute/path'),
    ],
  ])('says in its error what is wrong with im rpc call %j', async (args, code, output) => {
    expect(await im('rpc', 'call', ...args)).toEqual({ code, output });
  });

  it('names the flags when no broker answers, and when none is known', async () => {
    const nobody = await im('rpc', 'services', '--broker', 'tcp://127.0.0.1:9', '--timeout', '300');
    expect([nobody.code, nobody.output]).toEqual([
      1,
      expect.stringMatching(/^im rpc services: no answer from tcp:\/\/127.0.0.1:9 within 300 ms: .*--broker.*--keys/),
    ]);
    const unknown = await new ImProcess(['rpc', 'stats'], await workplace.folder()).finished();
    expect([unknown.code, unknown.output]).toEqual([78, expect.stringMatching(/start im up there.*--broker.*--data/)]);
  });

  it('shows calls as they end, those that are asked for, until it is told to stop', async () => {
    const tap = workplace.run(new ImProcess(['rpc', 'tap', '--json', '--failed', '--service', 'gift'], folder));
    await vi.waitFor(async () => {
      await im('rpc', 'call', 'gift.catalogue');
      await im('rpc', 'call', 'gift.nothing');
      expect(tap.log.length).toBeGreaterThan(0);
    }, WAIT);
    for (const line of tap.log)
      expect(line).toMatchObject({ service: 'gift', method: 'nothing', error: 'METHOD_UNKNOWN' });
    expect((await tap.signal('SIGINT')).code).toBe(0);
  });

  it('measures calls a second, latencies and errors by name', async () => {
    const good = await im('rpc', 'bench', 'gift.catalogue', '--in-flight', '8', '--seconds', '0.5', '--json');
    expect(JSON.parse(good.output)).toMatchObject({ calls: expect.any(Number), p50Ms: expect.any(Number), errors: {} });
    const bad = await im('rpc', 'bench', 'gift.nothing', '--in-flight', '8', '--seconds', '0.2');
    expect([bad.code, bad.output]).toEqual([
      1,
      expect.stringMatching(/^calls\/s +0\n[\s\S]*^failed +METHOD_UNKNOWN [\d,]+$/m),
    ]);
  });

  it('gives versions their shares of the calls, at every broker', async () => {
    const { output } = await im('rpc', 'weights', 'gift', '1.1.0=10', '0.0.0=90');
    expect(output).toBe(up.brokers.map((broker) => `${broker}  1.1.0=10 (10 %)  0.0.0=90 (90 %)\n`).join(''));
    expect((await im('rpc', 'weights', 'gift')).output).toBe(output);
    expect((await im('rpc', 'weights', 'gift', '--none')).output).toMatch(/none: all workers alike\n$/);
    expect((await im('rpc', 'weights', 'gfit')).output).toMatch(/no service gfit at .*: see im rpc services\n/);
  });
});

describe('keys', () => {
  afterEach(() => workplace.clear());

  it('let in who has them, and nobody else', async () => {
    folder = await workplace.folder();
    const { output } = await im('keys');
    const files = output.trimEnd().split('\n');
    expect(files.map((file) => path.basename(file))).toEqual(['broker.json', 'peer.json']);
    for (const file of files) expect((await stat(path.join(folder, file))).mode & 0o777).toBe(0o600);
    const up = await startUp('--keys', '.im/keys');
    const ann = await workplace.signIn(up.origin as string, 'Ann');
    await ann.enter('10000');
    await ann.client.call('chat.send', { room: '10000', text: 'hello' });
    expect((await im('rpc', 'call', 'gift.catalogue')).code).toBe(0);
    const without = await im('rpc', 'call', 'gift.catalogue', '--broker', up.brokers[0] as string, '--timeout', '1000');
    expect([without.code, without.output]).toEqual([1, expect.stringContaining('no answer from')]);
    const stranger = path.join(folder, 'stranger');
    await mkdir(stranger);
    await im('keys', '--keys', stranger);
    const strange = await im('rpc', 'stats', '--keys', stranger, '--timeout', '1000');
    expect([strange.code, strange.output]).toEqual([1, expect.stringContaining('do the keys fit?')]);
  });

  it('are never overwritten; further peers get their own', async () => {
    folder = await workplace.folder();
    await im('keys');
    const file = path.join(folder, '.im/keys/peer.json');
    const before = await readFile(file, 'utf8');
    const again = await im('keys');
    expect([again.code, again.output]).toEqual([
      78,
      expect.stringMatching(/peer.json is there already.*--name.*--keys/),
    ]);
    expect(await readFile(file, 'utf8')).toBe(before);
    expect((await im('keys', '--name', 'php')).code).toBe(0);
    const { allowed } = JSON.parse(await readFile(path.join(folder, '.im/keys/broker.json'), 'utf8'));
    const peers = [before, await readFile(path.join(folder, '.im/keys/php.json'), 'utf8')];
    expect(allowed).toEqual(peers.map((text) => JSON.parse(text).publicKey));
  });
});
