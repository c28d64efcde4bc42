import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ImError } from '../im-error.js';
import { decodeOrRefuse, describeAnyMessages } from '../testing/describe-any-messages.js';
import { jsonClientCodec } from './client-codec.js';
import { jsonServerCodec } from './server-codec.js';

const utf8 = (text: string) => new TextEncoder().encode(text);

describeAnyMessages({
  server: jsonServerCodec,
  client: jsonClientCodec,
  join: (lines) => utf8(lines.join('\n')),
  received: (frame) => [new TextDecoder().decode(frame)],
  proven: { fromClient: '[PR-3] [PR-50]', fromGateway: '[PR-3] [PR-80]' },
});

it('any JSON is messages or MALFORMED to both sides', () => {
  fc.assert(
    fc.property(fc.json(), (line) => {
      decodeOrRefuse(() => jsonServerCodec.decode(utf8(line), 8));
      decodeOrRefuse(() => jsonClientCodec.decode(line));
    }),
  );
});

it('any text is messages or MALFORMED to the client', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (frame) => {
      decodeOrRefuse(() => jsonClientCodec.decode(frame));
    }),
  );
});

it('what is refused is refused with an ImError', () => {
  expect(() => jsonServerCodec.decode(utf8('['), 8)).toThrow(ImError);
  expect(() => jsonClientCodec.decode('[')).toThrow(ImError);
});
