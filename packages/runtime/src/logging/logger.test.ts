import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LogFields } from '../ports.js';
import { jsonFormat, type LogFormat, readableFormat } from './log-format.js';
import { createLogger, createProcessLogger, type LogStream, wantsColour } from './logger.js';

const TIME = Date.UTC(2026, 0, 2, 3, 4, 5, 6);

function capture(format: LogFormat, level: 'debug' | 'info' | 'warn' = 'debug') {
  const lines: string[] = [];
  const logger = createLogger({ level, format, write: (line) => lines.push(line), now: () => TIME });
  return { lines, logger };
}

describe('JSON lines', () => {
  it('has time, level, message and the fields, in this order', () => {
    const { lines, logger } = capture(jsonFormat);
    logger.with({ node: 'n1' }).info('listening', { port: 8080 });
    expect(lines).toEqual([
      '{"time":"2026-01-02T03:04:05.006Z","level":"info","message":"listening","node":"n1","port":8080}\n',
    ]);
  });

  it('keeps fields that carry a reserved name', () => {
    const { lines, logger } = capture(jsonFormat);
    logger.warn('x', { message: 'mine', level: 3 });
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', message: 'x', message_: 'mine', level_: 3 });
  });

  it('shows errors with their code, details, stack and causes', () => {
    const { lines, logger } = capture(jsonFormat);
    const error = Object.assign(new Error('outer', { cause: new Error('inner') }), { code: 303, details: { a: 1n } });
    logger.error('failed', { error });
    expect(JSON.parse(lines[0] ?? '').error).toMatchObject({
      name: 'Error',
      message: 'outer',
      code: 303,
      details: { a: '1' },
      cause: { message: 'inner' },
      stack: expect.stringContaining('logger.test'),
    });
  });

  it('writes one parseable line for any fields', () => {
    const { lines, logger } = capture(jsonFormat);
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const hostile = {
      get it() {
        throw new Error('no');
      },
    };
    logger.info('x', {
      circle,
      hostile,
      big: 'y'.repeat(100_000),
      bytes: new Uint8Array(9),
      map: new Map([['k', 1]]),
      f: () => 1,
    });
    fc.assert(
      fc.property(fc.string(), fc.dictionary(fc.string(), fc.anything()), (message, fields) =>
        logger.info(message, fields),
      ),
    );
    for (const line of lines) {
      expect(line.indexOf('\n')).toBe(line.length - 1);
      expect(JSON.parse(line)).toHaveProperty('message');
    }
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      circle: { self: '[circular]' },
      bytes: '[9 bytes]',
      map: { k: 1 },
    });
    expect(lines[0]?.length).toBeLessThan(10_000);
  });
});

describe('readable lines', () => {
  it('shows time, level, message and fields', () => {
    const { lines, logger } = capture(readableFormat({ colour: false }));
    logger.info('listening', { port: 8080, url: 'http://127.0.0.1:8080/', text: 'a b' });
    expect(lines).toEqual(['03:04:05.006 INFO  listening port=8080 url=http://127.0.0.1:8080/ text="a b"\n']);
  });

  it('shows the stack of an error below', () => {
    const { lines, logger } = capture(readableFormat({ colour: false }));
    logger.error('failed', { error: new Error('why') });
    expect(lines[0]).toMatch(/ERROR failed error="why"\n {4}Error: why\n {8}at /);
  });

  it('lets no control character through to the terminal', () => {
    const { lines, logger } = capture(readableFormat({ colour: false }));
    fc.assert(
      fc.property(fc.string(), fc.string(), (message, value) => {
        logger.info(`\u001b[2J${message}`, { value });
      }),
    );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those must not be there
    for (const line of lines) expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
  });

  it('is coloured when asked', () => {
    const { lines, logger } = capture(readableFormat({ colour: true }));
    logger.warn('hot');
    expect(lines[0]).toContain('\u001b[33mWARN ');
  });
});

it('makes no lines below its level', () => {
  const { lines, logger } = capture(jsonFormat, 'warn');
  logger.debug('a');
  logger.info('b');
  logger.warn('c');
  expect(lines).toHaveLength(1);
});

it.each<[boolean, Record<string, string>, boolean]>([
  [true, {}, true],
  [false, {}, false],
  [true, { NO_COLOR: '1' }, false],
  [true, { TERM: 'dumb' }, false],
  [false, { FORCE_COLOR: '1' }, true],
  [false, { FORCE_COLOR: '1', NO_COLOR: '1' }, false],
])('on a terminal: %s, with %o, colours are %s', (isTTY, environment, colours) => {
  expect(wantsColour({ isTTY }, environment)).toBe(colours);
});

it('falls silent when its reader has gone', () => {
  const written: string[] = [];
  let fail: (error: Error) => void = () => {};
  const stream: LogStream = {
    write: (text) => written.push(text),
    on: (_, listener) => {
      fail = listener;
    },
  };
  const fields: LogFields = { node: 'n1' };
  const logger = createProcessLogger({ level: 'info', json: true, stream, environment: {}, fields });
  logger.info('one');
  fail(new Error('EPIPE'));
  logger.info('two');
  expect(written).toHaveLength(1);
});
