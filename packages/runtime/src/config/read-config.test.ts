import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, type ConfigMistake } from './config-error.js';
import { handOn } from './hand-on.js';
import { asksForHelp, helpText } from './help.js';
import { readConfig } from './read-config.js';
import { setting } from './setting.js';

const settings = {
  port: setting(z.int().min(0).max(65_535).default(8080), { description: 'port to listen on' }),
  dataFolder: setting(z.string().min(1).default('./.im'), {
    description: 'folder',
    flag: 'data',
    placeholder: 'folder',
  }),
  pingIntervalMs: setting(z.int().positive().optional(), { description: 'time between pings' }),
  logLevel: setting(z.enum(['debug', 'info']).default('info'), { description: 'least level' }),
  json: setting(z.boolean().default(false), { description: 'JSON lines' }),
  origins: setting(z.array(z.url()).default([]), { description: 'pages that may connect' }),
  store: setting(z.url().optional(), { description: 'where logs are', sensitive: true }),
  adminToken: setting(z.string().min(16).optional(), { description: 'for the figures', secret: true }),
};

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function fileWith(content: string): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'im-config-'));
  folders.push(folder);
  const file = path.join(folder, 'im.json');
  writeFileSync(file, content);
  return file;
}

const read = (args: string[], environment: Record<string, string | undefined> = {}) =>
  readConfig(settings, { arguments: args, environment });

function mistakesOf(args: string[], environment: Record<string, string> = {}): readonly ConfigMistake[] {
  try {
    read(args, environment);
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

describe('reading a configuration', () => {
  it('takes defaults where nothing is given', () => {
    expect(read([])).toEqual({ port: 8080, dataFolder: './.im', logLevel: 'info', json: false, origins: [] });
  });

  it('prefers a flag to the environment, that to the file, and that to the default', () => {
    const file = fileWith('{"port":1,"logLevel":"debug","origins":["https://a.example"]}');
    expect(
      read(['--config', file, '--port=3'], { IM_PORT: '2', IM_ORIGINS: 'https://b.example,https://c.example' }),
    ).toMatchObject({
      port: 3,
      logLevel: 'debug',
      origins: ['https://b.example', 'https://c.example'],
    });
  });

  it('reads switches with and without value, and their opposite', () => {
    expect(read(['--json']).json).toBe(true);
    expect(read(['--no-json'], { IM_JSON: 'true' }).json).toBe(false);
    expect(read(['--json=off']).json).toBe(false);
    expect(read([], { IM_JSON: '1' }).json).toBe(true);
  });

  it('counts an empty variable as not given', () => {
    expect(read([], { IM_PORT: '' }).port).toBe(8080);
  });

  it('reports every mistake at once, with what was given, what is expected and where to set it', () => {
    const file = fileWith('{"prot":1}');
    const args = ['--config', file, '--data=', '--ping-interval-ms', '2.5', 'extra'];
    expect(
      mistakesOf(args, { IM_PORT: 'http', IM_LOG_LEVEL: 'loud', IM_ORIGINS: 'https://a.example,nonsense' }),
    ).toEqual([
      { path: 'extra', expected: 'unexpected argument; settings are given as --name value' },
      { path: 'prot', expected: 'unknown setting; did you mean port?', source: file },
      {
        path: 'port',
        given: '"http"',
        expected: 'an integer from 0 to 65535',
        source: 'IM_PORT',
        settable: '--port or IM_PORT',
      },
      { path: 'dataFolder', given: '""', expected: 'text', source: '--data', settable: '--data or IM_DATA' },
      {
        path: 'pingIntervalMs',
        given: '2.5',
        expected: 'an integer above 0',
        source: '--ping-interval-ms',
        settable: '--ping-interval-ms or IM_PING_INTERVAL_MS',
      },
      {
        path: 'logLevel',
        given: '"loud"',
        expected: 'one of debug, info',
        source: 'IM_LOG_LEVEL',
        settable: '--log-level or IM_LOG_LEVEL',
      },
      {
        path: 'origins[1]',
        given: '["https://a.example","nonsense"]',
        expected: 'a comma-separated list, each a URL',
        source: 'IM_ORIGINS',
        settable: '--origins or IM_ORIGINS',
      },
    ]);
  });

  it('says in its message all of it, one mistake a line', () => {
    expect(() => read(['--port', '70000'], { IM_LOGLEVEL: 'info' })).toThrow(
      [
        '2 mistakes in the configuration:',
        '  IM_LOGLEVEL: unknown variable; did you mean IM_LOG_LEVEL?',
        '  port: expected an integer from 0 to 65535, got 70000 from --port (set --port or IM_PORT)',
      ].join('\n'),
    );
  });

  it('names the nearest flag to an unknown one, and does not call its value an argument', () => {
    expect(mistakesOf(['--prot', '80'])).toEqual([{ path: '--prot', expected: 'unknown flag; did you mean --port?' }]);
    expect(mistakesOf(['--no-port'])).toEqual([{ path: '--no-port', expected: 'unknown flag' }]);
    expect(mistakesOf(['--zzzzzzzz=1'])).toEqual([{ path: '--zzzzzzzz', expected: 'unknown flag' }]);
  });

  it('does not take the next flag for a missing value', () => {
    expect(mistakesOf(['--port', '--json'])).toEqual([
      { path: '--port', expected: 'needs a value: an integer from 0 to 65535' },
    ]);
    expect(mistakesOf(['--port'])).toHaveLength(1);
  });

  it('never shows a secret, and refuses it as a flag', () => {
    expect(mistakesOf(['--admin-token', 'tooshortbutlong'], { IM_ADMIN_TOKEN: 'swordfish' })).toEqual([
      { path: '--admin-token', expected: 'a secret is never given as a flag' },
      {
        path: 'adminToken',
        given: '***',
        expected: 'text of at least 16 characters',
        source: 'IM_ADMIN_TOKEN',
        settable: 'IM_ADMIN_TOKEN',
      },
    ]);
  });

  it('takes what may hold a secret as a flag, and never shows it', () => {
    expect(read(['--store', 'redis://:word@a']).store).toBe('redis://:word@a');
    expect(mistakesOf(['--store', 'swordfish'])).toEqual([
      { path: 'store', given: '***', expected: 'a URL', source: '--store', settable: '--store or IM_STORE' },
    ]);
  });

  it('leaves variables and file entries of sibling commands alone', () => {
    const alsoKnown = { bots: setting(z.int().default(0), { description: 'viewers' }) };
    const file = fileWith('{"bots":5,"port":9}');
    expect(
      readConfig(settings, { arguments: [], environment: { IM_BOTS: '7', IM_CONFIG: file }, alsoKnown }).port,
    ).toBe(9);
  });

  it.each(['[1]', '3', 'null', '{'])('refuses a file that holds %s', (content) => {
    expect(mistakesOf(['--config', fileWith(content)])).toHaveLength(1);
  });

  it('refuses a file that is not there, naming the flag', () => {
    expect(mistakesOf(['--config', '/nowhere/im.json'])[0]).toMatchObject({ path: 'config', source: '--config' });
  });

  it('gives values or a ConfigError, whatever the arguments and variables', () => {
    const word = fc.oneof(
      fc.string(),
      fc.constantFrom('--port', '--json', '--no-json', '--', '-p', '--data=', '--port=1'),
    );
    fc.assert(
      fc.property(
        fc.array(word),
        fc.dictionary(fc.constantFrom('IM_PORT', 'IM_JSON', 'IM_X', 'PATH'), fc.string()),
        (args, environment) => {
          try {
            expect(read(args, environment)).toHaveProperty('port');
          } catch (error) {
            expect(error).toBeInstanceOf(ConfigError);
          }
        },
      ),
    );
  });

  it('reads back what is handed on to a child, secrets not as flags', () => {
    const value = fc.record({
      port: fc.integer({ min: 0, max: 65_535 }),
      dataFolder: fc.string({ minLength: 1 }),
      pingIntervalMs: fc.integer({ min: 1 }),
      logLevel: fc.constantFrom('debug' as const, 'info' as const),
      json: fc.boolean(),
      origins: fc.array(fc.nat().map((host) => `https://host-${host}.example`)),
    });
    fc.assert(
      fc.property(value, (values) => {
        const given = { ...values, adminToken: 'a secret of some length', store: 'redis://:a-secret@host' };
        const { arguments: args, environment } = handOn(settings, given);
        expect(args.join(' ')).not.toContain('secret');
        expect(read([...args], environment)).toEqual(given);
      }),
      { numRuns: 30 },
    );
  });

  it('hands on that something is not set, whatever the child inherits', () => {
    const inherited = {
      IM_PING_INTERVAL_MS: '7',
      IM_STORE: 'redis://elsewhere',
      IM_CONFIG: fileWith('{"adminToken":"one of the parent"}'),
      PATH: '/bin',
    };
    const { arguments: args, environment } = handOn(settings, read([]));
    expect(read([...args], { ...inherited, ...environment })).toEqual(read([]));
    expect({ ...inherited, ...environment }.PATH).toBe('/bin');
  });
});

describe('help', () => {
  const text = helpText({
    name: 'im serve',
    summary: 'the server',
    settings,
    examples: [['im serve --port 9000', 'another port']],
  });

  it('lists every flag with its type, default and variable', () => {
    expect(text).toContain('--port <number>');
    expect(text).toContain('--data <folder>');
    expect(text).toContain('(an integer from 0 to 65535; default 8080; IM_PORT)');
    expect(text).toContain('im serve --port 9000  # another port');
  });

  it('lists secrets by their variable alone', () => {
    expect(text).toContain('IM_ADMIN_TOKEN');
    expect(text).not.toContain('--admin-token');
  });

  it('is asked for anywhere on the line', () => {
    expect(asksForHelp(['--port', '1', '--help'])).toBe(true);
    expect(asksForHelp(['--port', '1'])).toBe(false);
  });
});

describe('operands', () => {
  const declared = {
    method: setting(z.string().min(2).describe('a method'), { description: 'what to call', operand: true }),
    rest: setting(z.array(z.string()).default([]), { description: 'more', operand: true, placeholder: 'more' }),
    json: setting(z.boolean().default(false), { description: 'JSON' }),
  };
  const readOperands = (args: string[], environment: Record<string, string> = {}) =>
    readConfig(declared, { arguments: args, environment });

  it('are given by their place, before, between and after flags; a list takes the rest', () => {
    expect(readOperands(['--json', 'run', 'a', 'b'])).toEqual({ method: 'run', rest: ['a', 'b'], json: true });
    expect(readOperands(['run', '--json'])).toEqual({ method: 'run', rest: [], json: true });
  });

  it('are told by their place when they are missing or wrong', () => {
    expect(() => readOperands([])).toThrow('method: missing, expected a method (set <method>)');
    expect(() => readOperands(['x'])).toThrow('got "x" from <method>');
  });

  it('have neither flags nor variables', () => {
    expect(() => readOperands(['run', '--method', 'x'])).toThrow('--method: unknown flag');
    expect(() => readOperands(['run'], { IM_METHOD: 'x' })).toThrow('IM_METHOD: unknown variable');
  });

  it('are shown in the help as they are typed', () => {
    const text = helpText({ name: 'im call', summary: '', settings: declared, examples: [] });
    expect(text).toContain('Usage: im call <method> [more…] [options]');
    expect(text).not.toMatch(/--method|IM_REST/);
  });
});
