import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { ImProcess, Supervised } from './im-process.js';
import { Workplace } from './workplace.js';

const WAIT = { timeout: 15_000, interval: 20 };

const workplace = new Workplace();
afterEach(() => workplace.clear());

async function im(args: string[], variables: Record<string, string> = {}, cwd?: string) {
  return workplace.run(new ImProcess(args, cwd ?? (await workplace.folder()), variables)).finished();
}

async function started(folder: string): Promise<string> {
  return workplace.open(new Supervised([], folder));
}

const lines = (output: string): string[] => output.trimEnd().split('\n');

describe('the im command', () => {
  it('prints how to use it', async () => {
    const { code, output } = await im(['--help']);
    expect([code, output]).toEqual([0, expect.stringContaining('Usage: im [command] [options]')]);
  });

  it.each(['start', 'serve', 'bots', 'push', 'token'])('prints how to use im %s', async (command) => {
    const { code, output } = await im([command, '--help']);
    expect([code, output]).toEqual([
      0,
      expect.stringMatching(/Usage: im \w+ \[options\][\s\S]*--config[\s\S]*Examples:/),
    ]);
  });

  it('names the nearest command to an unknown one', async () => {
    const { code, output } = await im(['satrt']);
    expect([code, lines(output)[0]]).toEqual([64, 'im: unknown command satrt; did you mean start?']);
  });

  it('tells every mistake of a configuration at once, and starts nothing', async () => {
    const { code, output } = await im(['--prot', '80', '--bots=many', '--origins', 'example.org'], { IM_HOSTS: 'x' });
    expect(code).toBe(78);
    expect(lines(output)).toEqual([
      'im start: 4 mistakes in the configuration:',
      '  --prot: unknown flag; did you mean --port?',
      '  IM_HOSTS: unknown variable; did you mean IM_HOST?',
      expect.stringContaining(
        '  origins[0]: expected a comma-separated list, each a URL, got ["example.org"] from --origins',
      ),
      expect.stringContaining('  bots: expected an integer from 0 to 5000, got "many" from --bots'),
      'Try: im start --help',
    ]);
  });

  it('lets other hosts in only when it is said how people prove who they are', async () => {
    const { code, output } = await im(['--host', '0.0.0.0']);
    expect([code, output]).toEqual([
      78,
      expect.stringContaining('set --verify-url, --jwks-url or IM_JWT_SECRET, or --development'),
    ]);
  });

  it('does not start on a port in use: one line that names the flag, exit code 1', async () => {
    const { port } = new URL(await started(await workplace.folder()));
    const { code, output } = await im(['start', '--port', port]);
    expect(code).toBe(1);
    expect(lines(output)).toEqual([
      `im start: port ${port} of 127.0.0.1 is in use; stop what uses it, or choose another with --port`,
    ]);
    const alone = await im(['serve', '--port', port]);
    expect(alone.code).toBe(78);
    expect(lines(alone.output)).toEqual([expect.stringContaining('choose another with --port')]);
  });

  it('does not start on a data folder in use: it says by whom, and does not try again', async () => {
    const folder = await workplace.folder();
    await started(folder);
    const { code, output } = await im(['start', '--port', '0'], {}, folder);
    expect(code).toBe(1);
    expect(lines(output)).toEqual([
      expect.stringMatching(/^serve │ im serve: .*\.im is in use by process \d+; .*\(--data\)$/),
      'im start: serve failed: it cannot start, see above',
    ]);
  });

  it('does not start with a secret that others can read', async () => {
    const folder = await workplace.folder();
    await mkdir(path.join(folder, '.im'));
    const file = path.join(folder, '.im/push-token');
    await writeFile(file, 'x'.repeat(43));
    await chmod(file, 0o644);
    const { code, output } = await im(['start', '--port', '0'], {}, folder);
    expect([code, output]).toEqual([1, expect.stringContaining('can be read by other users; run: chmod 600')]);
  });

  it('shows where everything is once it runs, with viewers if wanted', async () => {
    const folder = await workplace.folder();
    const server = workplace.run(new ImProcess(['--port', '0', '--bots', '3'], folder));
    await vi.waitFor(() => expect(server.output).toContain('Ctrl-C stops it.'), WAIT);
    const { output } = server;
    const [, page] = /Page +(http:\S+)\n/.exec(output) ?? [];
    expect(output).toMatch(/WebSocket +ws:\/\/127\.0\.0\.1:\d+\/im\n/);
    expect(output).toContain(`Data       ${path.join(folder, '.im')}`);
    expect((await fetch(page as string)).headers.get('content-type')).toBe('text/html; charset=utf-8');
    const [, url = '', tokenFile = ''] =
      /Figures +curl (\S+) -H "authorization: Bearer \$\(cat (\S+)\)"/.exec(output) ?? [];
    const authorization = `Bearer ${(await readFile(path.resolve(folder, tokenFile), 'utf8')).trim()}`;
    await vi.waitFor(async () => {
      const figures = await (await fetch(url, { headers: { authorization } })).text();
      expect(figures).toMatch(/^im_gateway_connections 3$/m);
    }, WAIT);
    const { code } = await server.signal('SIGINT');
    expect([code, server.output]).toEqual([0, expect.not.stringContaining('ERROR')]);
  });

  it('shows figures and health of a single process on a port of its own', async () => {
    const folder = await workplace.folder();
    const listen = `ipc://${path.join(folder, 'broker')}`;
    const broker = workplace.run(
      new ImProcess(['broker', '--listen', listen, '--metrics-port', '0', '--json'], folder),
    );
    await vi.waitFor(() => expect(broker.log).toContainEqual(expect.objectContaining({ message: 'ready' })), WAIT);
    const { figures } = broker.log.find(({ message }) => message === 'ready') as unknown as { figures: string };
    expect((await fetch(new URL('/readyz', figures))).status).toBe(200);
    const token = (await readFile(path.join(folder, '.im/admin-token'), 'utf8')).trim();
    const answer = await fetch(figures, { headers: { authorization: `Bearer ${token}` } });
    expect(await answer.text()).toMatch(/^im_rpc_workers 0$/m);
    expect((await broker.signal('SIGTERM')).code).toBe(0);
  });

  it('says why a push was refused', async () => {
    const nobody = await im(['push', '--to', 'all', '--event', 'x', '--url', 'http://127.0.0.1:9/v1/push']);
    expect([nobody.code, nobody.output]).toEqual([
      78,
      expect.stringContaining('name the data folder of the server with --data'),
    ]);
    const folder = await workplace.folder();
    const url = `${await started(folder)}/v1/push`;
    const wrong = await im(['push', '--to', 'all', '--event', 'x', '--url', url], {
      IM_PUSH_TOKEN: 'not-the-right-token',
    });
    expect([wrong.code, wrong.output]).toEqual([1, expect.stringContaining('UNAUTHORIZED')]);
    const json = await im(['push', '--to', 'all', '--event', 'x', '--body', '{', '--url', url], {}, folder);
    expect([json.code, json.output]).toEqual([78, expect.stringContaining('--body is not JSON')]);
  });
});
