/** The golden vectors, as they are in MessagePack; and those of its own, byte by byte. */
import { encode } from '@msgpack/msgpack';
import { describe, expect, it } from 'vitest';
import ownVectors from '../../vectors/msgpack.json' with { type: 'json' };
import { errorName } from '../error-codes.js';
import { DEFAULT_LIMITS } from '../limits.js';
import type { ClientMessage, ReceivedCommand, ServerMessage } from '../messages.js';
import { frameOf, type Vector, vectorsTo } from '../testing/vectors.js';
import { msgpackClientCodec } from './client-codec.js';
import { msgpackServerCodec } from './server-codec.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
const decode = (frame: Uint8Array) => msgpackServerCodec.decode(frame, DEFAULT_LIMITS.messagesPerFrame);

/** What lines of JSON are about, and no map can show: line ends, escapes, bytes that are no text, what is no JSON. */
const OF_LINES = ['PR-3', 'PR-4', 'PR-9', 'PR-10', 'PR-15'];

/** The lines of a JSON vector as values; undefined where they are none. */
function linesOf({ frame, sentences }: Vector): unknown[] | undefined {
  if (frame === undefined || sentences.some((id) => OF_LINES.includes(id)) || frame.includes('\\ud')) return undefined;
  try {
    return frame
      .split('\n')
      .filter((line) => line !== '' && line !== '\r')
      .map((line) => JSON.parse(line));
  } catch {
    return undefined;
  }
}

/** The same messages as maps, with names, and JSON text where that is what travels. */
function mapsOf(lines: readonly unknown[]): Uint8Array {
  const asTravels = (line: unknown): unknown => {
    if (typeof line !== 'object' || line === null || Array.isArray(line)) return line;
    const { data, details } = line as Record<string, unknown>;
    return {
      ...line,
      ...(data !== undefined && { data: JSON.stringify(data) }),
      ...(details !== undefined && { details: JSON.stringify(details) }),
    };
  };
  return Buffer.concat(lines.map((line) => encode(asTravels(line), { maxDepth: 1_000 })));
}

const convertible = (direction: Vector['direction']): [string, Vector, unknown[]][] =>
  vectorsTo(direction).flatMap((vector): [string, Vector, unknown[]][] => {
    const lines = linesOf(vector);
    return lines ? [[vector.name, vector, lines]] : [];
  });

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

function expectGateway({ messages, error }: Vector, frame: Uint8Array): void {
  if (messages) expect(decode(frame).map(parsed)).toEqual(messages);
  else if (error?.id === undefined) expect(() => decode(frame)).toThrow(expect.objectContaining({ name: error?.name }));
  else expect(refusal(decode(frame))).toEqual(error);
}

function expectClient({ messages, error }: Vector, frame: Uint8Array): void {
  const read = () => msgpackClientCodec.decode(frame);
  if (messages) expect(read()).toEqual(messages);
  else expect(read).toThrow(expect.objectContaining({ name: error?.name }));
}

describe('the golden vectors in MessagePack', () => {
  const toGateway = convertible('to-gateway');
  const toClient = convertible('to-client');

  it('are nearly all of them', () => {
    expect(toGateway.length + toClient.length).toBeGreaterThan(190);
  });

  it.each(toGateway)('[PR-130] mean the same to the gateway: %s', (_, vector, lines) => {
    expectGateway(vector, mapsOf(lines));
  });

  it.each(toClient)('[PR-130] mean the same to a client: %s', (_, vector, lines) => {
    expectClient(vector, mapsOf(lines));
  });

  it.each(toGateway.filter(([, { messages }]) => messages))('[PR-131] arrive from a client: %s', (_, vector) => {
    const { messages = [] } = vector;
    const maps = messages.map((message) => msgpackClientCodec.encode(message as unknown as ClientMessage<unknown>));
    expectGateway(vector, Buffer.concat(maps));
  });

  it.each(toClient.filter(([, { messages }]) => messages))('[PR-131] arrive from the gateway: %s', (_, vector) => {
    const { messages = [] } = vector;
    const maps = messages.map((message) => {
      const data = 'data' in message ? { data: utf8(JSON.stringify(message.data)) } : {};
      return msgpackServerCodec.encode({ ...message, ...data } as unknown as ServerMessage<Uint8Array>);
    });
    expectClient(vector, msgpackServerCodec.join(maps));
  });
});

describe('the vectors of MessagePack alone', () => {
  const vectors = ownVectors as readonly unknown[] as readonly Vector[];
  const titled = vectors.map((vector): [string, Vector] => [
    `${vector.sentences.map((id) => `[${id}]`).join(' ')} ${vector.name}`,
    vector,
  ]);

  it.each(titled)('%s', (_, vector) => {
    const frame = frameOf(vector);
    if (vector.direction === 'to-gateway') expectGateway(vector, frame);
    else expectClient(vector, frame);
    if (vector.error) expect(errorName(vector.error.code)).toBe(vector.error.name);
  });

  const exact = titled.filter(
    ([, { direction, messages, decodeOnly }]) => direction === 'to-client' && messages && !decodeOnly,
  );
  it.each(exact)('is what the gateway writes: %s', (_, vector) => {
    const maps = (vector.messages ?? []).map((message) => {
      const data = 'data' in message ? { data: utf8(JSON.stringify(message.data)) } : {};
      return msgpackServerCodec.encode({ ...message, ...data } as unknown as ServerMessage<Uint8Array>);
    });
    expect(Buffer.from(msgpackServerCodec.join(maps)).toString('hex')).toBe(
      Buffer.from(frameOf(vector)).toString('hex'),
    );
  });
});
