import { describe, expect, it } from 'vitest';
import { ImError } from '../im-error.js';
import { jsonClientCodec } from './client-codec.js';

describe('decoding on the client', () => {
  it('[PR-3] [PR-4] gives the messages of all lines in order, whatever the line ends', () => {
    expect(jsonClientCodec.decode('\r\n{"type":"ping"}\r\n\n{"type":"pong"}')).toEqual([
      { type: 'ping' },
      { type: 'pong' },
    ]);
  });

  it('[PR-6] [PR-7] lives with kinds and members of later gateways', () => {
    const lines = ['{"type":"toString"}', '{"type":"weather","sun":1}', '{"type":"pong","sun":1}'];
    expect(jsonClientCodec.decode(lines.join('\n'))).toEqual([{ type: 'pong', sun: 1 }]);
  });

  it.each([
    '',
    'null',
    '[]',
    '{}',
    '{"type":1}',
    '{',
    '{"type":"push"}',
    '{"type":"push","group":1,"event":"e"}',
    '{"type":"welcome","id":1}',
    '{"type":"synced","id":1,"group":"r:1","epoch":"e","version":1,"more":null}',
  ])('refuses %j with MALFORMED alone', (line) => {
    const decode = () => jsonClientCodec.decode(line || '\ufeff');
    expect(decode).toThrow(ImError);
    expect(decode).toThrow(expect.objectContaining({ name: 'MALFORMED' }));
  });
});

describe('encoding on the client', () => {
  it('[PR-5] writes one object with its type on one line', () => {
    const call = { type: 'call', id: 2, method: 'chat.send', data: { text: 'a\nb' } } as const;
    expect(jsonClientCodec.encode(call)).toBe('{"type":"call","id":2,"method":"chat.send","data":{"text":"a\\nb"}}');
  });
});
