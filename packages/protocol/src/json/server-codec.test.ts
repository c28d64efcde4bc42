import { describe, expect, it } from 'vitest';
import { DEFAULT_LIMITS, MAX_NESTING, MAX_TOKEN_LENGTH } from '../limits.js';
import type { ReceivedCommand, ServerMessage } from '../messages.js';
import { jsonServerCodec } from './server-codec.js';

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (body: Uint8Array | undefined) => body && new TextDecoder().decode(body);
const decode = (frame: string) => jsonServerCodec.decode(bytes(frame), DEFAULT_LIMITS.messagesPerFrame);
const encode = (message: ServerMessage<Uint8Array>) => text(jsonServerCodec.encode(message));
const bodyOf = (command: ReceivedCommand<Uint8Array> | undefined) =>
  command?.type === 'call' ? text(command.data) : undefined;

describe('decoding a call', () => {
  it.each([
    ['{"text":"hi"}', '{"text":"hi"}'],
    [' \t[1,\r{"data":2} ] ', '[1,\r{"data":2} ]'],
    ['"a\\"},b\\\\"', '"a\\"},b\\\\"'],
    ['1.0e3', '1.0e3'],
    ['null', 'null'],
    ['"\u{1f680}é"', '"\u{1f680}é"'],
  ])('[PR-51] hands on the bytes of data %j as they came', (data, expected) => {
    expect(bodyOf(decode(`{"type":"call","id":1,"method":"a.b","data":${data}}`)[0])).toBe(expected);
    expect(bodyOf(decode(`{"data":${data}, "type":"call","id":1,"method":"a.b"}`)[0])).toBe(expected);
  });

  it('gives data as a view into the frame, not a copy', () => {
    const frame = bytes('\n{"type":"call","id":1,"method":"a.b","data":[1]}');
    const [command] = jsonServerCodec.decode(frame, 1);
    expect(command?.type === 'call' && command.data?.buffer).toBe(frame.buffer);
  });

  it('takes the last of several data members, and none that lies deeper', () => {
    expect(bodyOf(decode('{"data":1,"type":"call","id":1,"method":"a.b","data":2,"x":{"data":3}}')[0])).toBe('2');
    expect(bodyOf(decode('{"type":"call","id":1,"method":"a.b","x":{"data":3}}')[0])).toBeUndefined();
  });

  it('[PR-9] refuses a top-level name written with an escape, in any kind of message', () => {
    expect(() => decode('{"type":"call","id":1,"method":"a.b","d\\u0061ta":1}')).toThrow(/escape/);
    expect(() => decode('{"type":"ping","\\u0061":1}')).toThrow(/escape/);
    expect(decode('{"type":"call","id":1,"method":"a.b","data":{"\\u0061":1}}')).toHaveLength(1);
  });
});

describe('encoding a push', () => {
  it('[PR-80] puts the body into the message byte for byte', () => {
    const data = bytes('{"gift" : "\u{1f680}"}');
    expect(encode({ type: 'push', group: 'r:1', event: 'chat', data })).toBe(
      '{"type":"push","group":"r:1","event":"chat","data":{"gift" : "\u{1f680}"}}',
    );
    expect(
      encode({ type: 'push', group: 'r:1', event: 'gift', lane: 'priority', version: 18, id: '01J', time: 5, data }),
    ).toBe(
      '{"type":"push","group":"r:1","event":"gift","lane":"priority","version":18,"id":"01J","time":5,"data":{"gift" : "\u{1f680}"}}',
    );
  });

  it('stays exact when a publisher chose an id that needs escapes', () => {
    const id = 'é"\n\ud800\u{1f680}\\\u007f';
    const line = encode({ type: 'push', group: 'r:1', event: 'e', id, data: bytes('1') }) ?? '';
    expect(JSON.parse(line)).toEqual({ type: 'push', group: 'r:1', event: 'e', id, data: 1 });
  });

  it('leaves data out when there is none', () => {
    expect(encode({ type: 'push', group: 'r:1', event: 'e' })).toBe('{"type":"push","group":"r:1","event":"e"}');
    expect(encode({ type: 'reply', id: 4, data: new Uint8Array() })).toBe('{"type":"reply","id":4}');
  });
});

describe('encoding an error', () => {
  it('leaves out details that are no JSON, and sends the rest', () => {
    const body = { code: 1000, name: 'X', message: 'm', retryable: false };
    const cycle: Record<string, unknown> = {};
    cycle.self = cycle;
    for (const details of [cycle, { big: 1n }]) {
      expect(JSON.parse(encode({ type: 'error', id: 1, ...body, details }) ?? '')).toEqual({
        type: 'error',
        id: 1,
        ...body,
      });
    }
  });
});

describe('joining', () => {
  it('[PR-3] puts messages on lines of one frame, in order', () => {
    const lines = [bytes('{"a":1}'), bytes('{"b":2}'), bytes('{"c":3}')];
    expect(text(jsonServerCodec.join(lines))).toBe('{"a":1}\n{"b":2}\n{"c":3}');
    expect(jsonServerCodec.join(lines.slice(0, 1))).toBe(lines[0]);
    expect(jsonServerCodec.join([])).toHaveLength(0);
  });
});

describe('limits of a call', () => {
  const nested = (depth: number) => '[{"a":'.repeat(depth / 2) + '}]'.repeat(depth / 2);

  it('[PR-57] data may be nested as deep as the limit, and not deeper', () => {
    const call = (data: string) => decode(`{"type":"call","id":1,"method":"a.b","data":${data}}`)[0]?.type;
    expect(call(nested(MAX_NESTING).replace(':}', ':1}'))).toBe('call');
    expect(call(nested(MAX_NESTING + 2).replace(':}', ':1}'))).toBe('invalid');
  });

  it('[PR-34] a token may have 8,192 characters, of whatever plane', () => {
    const hello = (token: string) =>
      decode(JSON.stringify({ type: 'hello', id: 1, token, device: 'd', platform: 'p' }))[0];
    expect(hello('\u{1f680}'.repeat(MAX_TOKEN_LENGTH))?.type).toBe('hello');
    expect(hello('\u{1f680}'.repeat(MAX_TOKEN_LENGTH + 1))).toMatchObject({
      type: 'invalid',
      error: { details: { field: 'token' } },
    });
  });
});

describe('a frame', () => {
  it('keeps its other commands when one is unknown or invalid', () => {
    const lines = [
      '{"type":"call","id":1,"method":"a.b"}',
      '{"type":"call","id":2}',
      '{"type":"fly","id":3}',
      '{"type":"pong"}',
    ];
    expect(decode(lines.join('\n')).map(({ type }) => type)).toEqual(['call', 'invalid', 'unknown', 'pong']);
  });

  it('[PR-14] has as many messages as the caller allows, not counting empty lines', () => {
    const ping = '{"type":"ping"}';
    expect(jsonServerCodec.decode(bytes(`\n${ping}\n\r\n\n${ping}\n`), 2)).toHaveLength(2);
    expect(() => jsonServerCodec.decode(bytes(`${ping}\n${ping}\n${ping}`), 2)).toThrow(/more than 2 messages/);
  });

  it('never makes an error body with more than the first bad field in it', () => {
    const [command] = decode('{"type":"call","id":1,"method":"secret","key":"secret two"}');
    expect(JSON.stringify(command)).not.toContain('secret');
  });
});
