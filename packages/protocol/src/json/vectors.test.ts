/** Both codecs against the golden vectors that clients in other languages run too. */
import { describe, expect, it } from 'vitest';
import { errorName } from '../error-codes.js';
import { isGroupId } from '../group-id.js';
import { DEFAULT_LIMITS } from '../limits.js';
import type { ClientMessage, ReceivedCommand, ServerMessage } from '../messages.js';
import { frameOf, type Vector, vectorsTo } from '../testing/vectors.js';
import { jsonClientCodec } from './client-codec.js';
import { jsonServerCodec } from './server-codec.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const decode = (vector: Vector) => jsonServerCodec.decode(frameOf(vector), DEFAULT_LIMITS.messagesPerFrame);
const values = (lines: string) => lines.split('\n').map((line) => JSON.parse(line));

/** Sentences that a codec alone can prove; the others that a vector shows take a gateway or a client. */
const PROVEN = (
  '[PR-3] [PR-4] [PR-5] [PR-6] [PR-7] [PR-9] [PR-10] [PR-14] [PR-16] [PR-17] [PR-18] [PR-20] [PR-24] [PR-34] [PR-50] ' +
  '[PR-51] [PR-55] [PR-57] [PR-58] [PR-60] [PR-80] [PR-81] [PR-88] [PR-89] [PR-90]'
).split(' ');

/** `[PR-3] two lines` and the vector, for `it.each`. */
function titled(vector: Vector): [title: string, vector: Vector] {
  const tags = vector.sentences.map((id) => `[${id}]`).filter((tag) => PROVEN.includes(tag));
  return [[...tags, vector.name].join(' '), vector];
}

const having = (member: 'messages' | 'error') => (vector: Vector) => vector[member] !== undefined;

/** A decoded command with its body as the value it stands for. */
function parsed(command: ReceivedCommand<Uint8Array>): unknown {
  return 'data' in command && command.data ? { ...command, data: JSON.parse(text(command.data)) } : command;
}

/** What the gateway would answer, as vectors say it. */
function refusal([command]: ReceivedCommand<Uint8Array>[]): Vector['error'] | undefined {
  if (command?.type === 'unknown') return { code: 102, name: 'UNKNOWN_COMMAND', id: command.id };
  if (command?.type !== 'invalid') return undefined;
  const { code, name, details } = command.error;
  return { code, name, id: command.id, field: String(details?.field) };
}

describe('the gateway', () => {
  const vectors = vectorsTo('to-gateway');

  it.each(vectors.filter(having('messages')).map(titled))('takes %s', (_, vector) => {
    const commands = decode(vector);
    expect(commands.map(parsed)).toEqual(vector.messages);
    const [first] = commands;
    const data = first?.type === 'call' ? first.data : undefined;
    expect(data && text(data)).toBe(vector.dataText);
  });

  it.each(vectors.filter(having('error')).map(titled))('refuses %s', (_, vector) => {
    const { code, name, id } = vector.error ?? {};
    expect(errorName(code ?? 0)).toBe(name);
    if (id === undefined) expect(() => decode(vector)).toThrow(expect.objectContaining({ code, name }));
    else expect(refusal(decode(vector))).toEqual(vector.error);
  });
});

describe('a client', () => {
  const vectors = vectorsTo('to-client');

  it.each(vectors.filter(having('messages')).map(titled))('takes %s', (_, { frame, messages }) => {
    expect(jsonClientCodec.decode(frame ?? '')).toEqual(messages);
  });

  it.each(vectors.filter(having('error')).map(titled))('refuses %s', (_, { frame, error }) => {
    expect(() => jsonClientCodec.decode(frame ?? '')).toThrow(expect.objectContaining({ name: error?.name }));
  });
});

/** Vectors whose frame is what an encoder makes of the messages, as JSON values line by line. */
const exact = (direction: Vector['direction']) =>
  vectorsTo(direction)
    .filter(({ messages, decodeOnly }) => messages && !decodeOnly)
    .map(titled);

describe('encoding', () => {
  it.each(exact('to-gateway'))('on the client gives %s', (_, { frame, messages = [] }) => {
    const lines = messages.map((message) => jsonClientCodec.encode(message as unknown as ClientMessage<unknown>));
    expect(values(lines.join('\n'))).toEqual(values(frame ?? ''));
  });

  it.each(exact('to-client'))('on the gateway gives %s', (_, { frame, messages = [] }) => {
    const lines = messages.map((message) => {
      const data = 'data' in message ? { data: utf8(JSON.stringify(message.data)) } : {};
      return jsonServerCodec.encode({ ...message, ...data } as unknown as ServerMessage<Uint8Array>);
    });
    expect(values(text(jsonServerCodec.join(lines)))).toEqual(values(frame ?? ''));
  });
});

describe('the vectors', () => {
  const all = [...vectorsTo('to-gateway'), ...vectorsTo('to-client')];
  const kinds = (direction: Vector['direction']) =>
    new Set(
      all
        .filter((vector) => vector.direction === direction)
        .flatMap(({ messages = [] }) => messages.map(({ type }) => type)),
    );

  it('have names of their own, and a frame, and messages or an error', () => {
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { frame, frameBase64, messages, error } of all) {
      expect([frame, frameBase64].filter((it) => it !== undefined)).toHaveLength(1);
      expect([messages, error].filter((it) => it !== undefined)).toHaveLength(1);
    }
  });

  it('have an accepted example of every kind of message', () => {
    expect([...kinds('to-gateway')].sort()).toEqual(['call', 'cancel', 'hello', 'ping', 'pong', 'sync']);
    expect([...kinds('to-client')].sort()).toEqual(
      'drain error joined left ping pong push reply reset shed synced ticket welcome'.split(' '),
    );
  });

  it('name groups by their grammar in what is accepted', () => {
    for (const { messages = [] } of all) {
      for (const { group } of messages) if (group !== undefined) expect(isGroupId(String(group))).toBe(true);
    }
  });
});
