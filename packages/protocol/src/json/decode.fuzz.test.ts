/** Golden vectors in JSON, mutated. */
import { isDeepStrictEqual } from 'node:util';
import { describeMutatedFrames } from '../testing/describe-mutated-frames.js';
import { frameOf, vectorsTo } from '../testing/vectors.js';
import { jsonClientCodec } from './client-codec.js';
import { jsonServerCodec } from './server-codec.js';

describeMutatedFrames({
  corpus: [...vectorsTo('to-gateway'), ...vectorsTo('to-client')].map((vector) => Buffer.from(frameOf(vector))),
  spices: [
    '\n',
    '\r',
    '\0',
    '\ufeff',
    '\\',
    '"',
    '\\"',
    '\\u0064',
    '\\ud800',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '"data":',
    '"data":1,',
    '"type":"call",',
    '"id":1,',
    '"__proto__":{},',
    '"constructor":',
    'null',
    '1e400',
    '-0',
    '9007199254740992',
    '\u2028',
    '\u{1f680}',
    '['.repeat(200),
  ].map((text) => Buffer.from(text)),
  separator: '\n',
  leastChanges: 1,
  server: jsonServerCodec,
  receive: (frame) => jsonClientCodec.decode(frame.toString()),
  title: '[PR-51] are what JSON.parse reads, or MALFORMED, to the gateway',
  read: (frame) =>
    frame
      .toString()
      .split('\n')
      .filter((line) => line !== '' && line !== '\r')
      .map((line) => JSON.parse(line)),
  sameData: (text, data) => !text.includes('\n') && isDeepStrictEqual(JSON.parse(text), data),
});
