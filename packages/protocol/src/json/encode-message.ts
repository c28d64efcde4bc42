/**
 * Server messages to lines. `push` is the hot one: made once per delivery, whatever the size of the audience, by
 * writing an ASCII head, the opaque body and a brace into one exactly sized array.
 */
import type { ErrorMessage, Push, Reply, ServerMessage } from '../messages.js';
import { encoder } from './text-coding.js';

const LINE_FEED = 0x0a;
const CLOSE_BRACE = 0x7d;

export function encodeMessage(message: ServerMessage<Uint8Array>): Uint8Array {
  switch (message.type) {
    case 'push':
      return withData(pushHead(message), message.data);
    case 'reply':
      return withData(replyHead(message), message.data);
    case 'error':
      return encoder.encode(errorText(message));
    default:
      return encoder.encode(JSON.stringify(message));
  }
}

/** One line each, in order, in one array; a single message is returned as it is. */
export function joinLines(messages: readonly Uint8Array[]): Uint8Array {
  const [first] = messages;
  if (first && messages.length === 1) return first;
  let length = Math.max(0, messages.length - 1);
  for (const message of messages) length += message.length;
  const chunk = new Uint8Array(length);
  let at = 0;
  for (const message of messages) {
    if (at > 0) chunk[at++] = LINE_FEED;
    chunk.set(message, at);
    at += message.length;
  }
  return chunk;
}

function pushHead(push: Push<Uint8Array>): string {
  const { group, event, lane, version, id, time, conflated, key, sum, confirm } = push;
  let head = `{"type":"push","group":${asciiJson(group)},"event":${asciiJson(event)}`;
  if (lane !== undefined) head += `,"lane":${asciiJson(lane)}`;
  if (version !== undefined) head += `,"version":${version}`;
  if (id !== undefined) head += `,"id":${asciiJson(id)}`;
  if (time !== undefined) head += `,"time":${time}`;
  if (conflated !== undefined) head += `,"conflated":${conflated}`;
  if (key !== undefined) head += `,"key":${asciiJson(key)}`;
  if (sum !== undefined) head += `,"sum":${sum}`;
  if (confirm) head += ',"confirm":true';
  return head;
}

function replyHead({ id }: Reply<Uint8Array>): string {
  return `{"type":"reply","id":${id}`;
}

/** Details come from services: where they are no JSON (a cycle, a bigint), the error goes without them. */
function errorText(message: ErrorMessage): string {
  try {
    return JSON.stringify(message);
  } catch {
    const { details: _, ...rest } = message;
    return JSON.stringify(rest);
  }
}

/** Completes an ASCII head. An empty body, which is no JSON text, is left out. */
function withData(head: string, data: Uint8Array | undefined): Uint8Array {
  const start = data?.length ? `${head},"data":` : head;
  const line = new Uint8Array(start.length + (data?.length ?? 0) + 1);
  encoder.encodeInto(start, line);
  if (data) line.set(data, start.length);
  line[line.length - 1] = CLOSE_BRACE;
  return line;
}

const PLAIN = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/;
const NON_ASCII = /[\x7f-\uffff]/g;

/** JSON text of a string in ASCII alone, so that its length is its size in bytes. */
function asciiJson(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  return JSON.stringify(text).replace(NON_ASCII, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
