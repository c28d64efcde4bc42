/** Property tests that every codec runs: any messages arrive as they were sent, and any bytes are messages or refused. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClientCodec, ServerCodec } from '../codec.js';
import type { ReceivedCommand, ServerMessage } from '../messages.js';
import { clientMessage, serverMessage } from './arbitrary-messages.js';

interface AnyMessagesOptions<Sent, Received> {
  readonly server: ServerCodec;
  readonly client: ClientCodec<Sent, Received>;
  /** Encoded messages of a client as one frame. */
  join(messages: readonly Sent[]): Uint8Array;
  /** A frame as sockets may hand it to a client. */
  received(frame: Uint8Array): readonly Received[];
  /** The sentences that are proven thereby, as `[PR-3]`. */
  readonly proven: { readonly fromClient: string; readonly fromGateway: string };
}

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

/** Bodies as text instead of bytes, so that they can be compared. */
const readable = (command: ReceivedCommand<Uint8Array>) =>
  command.type === 'call' && command.data ? { ...command, data: text(command.data) } : command;

const withBytes = (message: ServerMessage<unknown>) =>
  ('data' in message ? { ...message, data: utf8(JSON.stringify(message.data)) } : message) as ServerMessage<Uint8Array>;

export function describeAnyMessages<Sent, Received>(options: AnyMessagesOptions<Sent, Received>): void {
  const { server, client, join, received, proven } = options;

  describe('any messages', () => {
    it(`${proven.fromClient} of a client arrive at the gateway as they were sent, with the bytes of their bodies`, () => {
      fc.assert(
        fc.property(fc.array(clientMessage, { maxLength: 8 }), (messages) => {
          const frame = join(messages.map((message) => client.encode(message)));
          expect(server.decode(frame, 8).map(readable)).toEqual(
            messages.map((message) =>
              message.type === 'call' && 'data' in message
                ? { ...message, data: JSON.stringify(message.data) }
                : message,
            ),
          );
        }),
      );
    });

    it(`${proven.fromGateway} of a gateway arrive at the client as they were sent`, () => {
      fc.assert(
        fc.property(fc.array(serverMessage, { maxLength: 8 }), (messages) => {
          const frame = server.join(messages.map((message) => server.encode(withBytes(message))));
          for (const each of received(frame)) expect(client.decode(each)).toEqual(messages);
        }),
      );
    });
  });

  describe('any bytes', () => {
    it('are messages or MALFORMED to both sides', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), (frame) => {
          decodeOrRefuse(() => server.decode(frame, 8));
          for (const each of received(frame)) decodeOrRefuse(() => client.decode(each));
        }),
      );
    });
  });
}

/** @returns undefined when it was refused with MALFORMED; anything else that is thrown fails the test */
export function decodeOrRefuse<Message>(decode: () => Message[]): Message[] | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Error && error.name === 'MALFORMED') return undefined;
    throw error;
  }
}
