import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ImError } from '../im-error.js';
import type { ReceivedCommand, ServerMessage } from '../messages.js';
import { clientMessage, serverMessage } from '../testing/arbitrary-messages.js';
import { jsonClientCodec } from './client-codec.js';
import { jsonServerCodec } from './server-codec.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Bodies as text instead of bytes, so that they can be compared. */
const readable = (command: ReceivedCommand<Uint8Array>) =>
  command.type === 'call' && command.data ? { ...command, data: text(command.data) } : command;

const withBytes = (message: ServerMessage<unknown>) =>
  ('data' in message ? { ...message, data: utf8(JSON.stringify(message.data)) } : message) as ServerMessage<Uint8Array>;

const decodesOrRefuses = (decode: () => unknown) => {
  try {
    decode();
  } catch (error) {
    expect(error).toBeInstanceOf(ImError);
    expect((error as ImError).name).toBe('MALFORMED');
  }
};

describe('any messages', () => {
  it('[PR-3] [PR-50] of a client arrive at the gateway as they were sent, with the bytes of their bodies', () => {
    fc.assert(
      fc.property(fc.array(clientMessage, { maxLength: 8 }), (messages) => {
        const frame = messages.map((message) => jsonClientCodec.encode(message)).join('\n');
        expect(jsonServerCodec.decode(utf8(frame), 8).map(readable)).toEqual(
          messages.map((message) =>
            message.type === 'call' && 'data' in message ? { ...message, data: JSON.stringify(message.data) } : message,
          ),
        );
      }),
    );
  });

  it('[PR-3] [PR-80] of a gateway arrive at the client as they were sent', () => {
    fc.assert(
      fc.property(fc.array(serverMessage, { maxLength: 8 }), (messages) => {
        const frame = jsonServerCodec.join(messages.map((message) => jsonServerCodec.encode(withBytes(message))));
        expect(jsonClientCodec.decode(text(frame))).toEqual(messages);
      }),
    );
  });
});

describe('any bytes', () => {
  it('are messages or MALFORMED to the gateway', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (frame) =>
        decodesOrRefuses(() => jsonServerCodec.decode(frame, 8)),
      ),
    );
  });

  it('and any JSON is messages or MALFORMED to both sides', () => {
    fc.assert(
      fc.property(fc.json(), (line) => {
        decodesOrRefuses(() => jsonServerCodec.decode(utf8(line), 8));
        decodesOrRefuses(() => jsonClientCodec.decode(line));
      }),
    );
  });

  it('are messages or MALFORMED to the client', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (frame) =>
        decodesOrRefuses(() => jsonClientCodec.decode(frame)),
      ),
    );
  });
});
