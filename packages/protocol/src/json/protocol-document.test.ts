/** The examples of docs/protocol.md are messages of the protocol. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { DEFAULT_LIMITS } from '../limits.js';
import { jsonClientCodec } from './client-codec.js';
import { jsonServerCodec } from './server-codec.js';

const markdown = readFileSync(new URL('../../../../docs/protocol.md', import.meta.url), 'utf8');
const blocks = [...markdown.matchAll(/^```json\n([^`]+)^```$/gm)].map(([, block]) => block ?? '');
const lines = blocks.flatMap((block) => block.trim().split('\n'));

/** Kinds that only clients send; `ping` and `pong` go both ways. */
const COMMANDS = ['hello', 'call', 'sync', 'cancel'];

it('docs/protocol.md has examples', () => {
  expect(lines.length).toBeGreaterThan(5);
});

it.each(lines)('the example %s is read by its receiver', (line) => {
  const { type } = JSON.parse(line);
  if (COMMANDS.includes(type)) {
    const decoded = jsonServerCodec.decode(new TextEncoder().encode(line), DEFAULT_LIMITS.messagesPerFrame);
    expect(decoded.map((command) => command.type)).toEqual([type]);
  } else {
    expect(jsonClientCodec.decode(line)).toEqual([JSON.parse(line)]);
  }
});

it('the limits in the example of welcome are the defaults', () => {
  const welcome = lines.map((line) => JSON.parse(line)).find(({ type }) => type === 'welcome');
  expect(welcome.limits).toEqual(DEFAULT_LIMITS);
});
