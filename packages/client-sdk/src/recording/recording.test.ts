import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { jsonClientCodec, jsonServerCodec } from '@im/protocol';
import { describe, expect, it } from 'vitest';
import type { WebSocketConstructor } from '../index.js';
import { FakeSocket } from '../testing/fake-socket.js';
import { record } from './record.js';
import { type Act, createSession, frameOf, messagesOf, type Recording, type Step } from './session.js';

const folder = new URL('../../recordings/', import.meta.url);

// A release is recorded with `IM_RECORD=1.2.3 vitest run src/recording`.
const { IM_RECORD } = process.env;
if (IM_RECORD) {
  const { release, steps } = await record(IM_RECORD);
  writeFileSync(new URL(`${release}.jsonl`, folder), `${steps.map((step) => JSON.stringify(step)).join('\n')}\n`);
}

/** One step a line. */
const recordings = readdirSync(folder).map((file): Recording => {
  const lines = readFileSync(new URL(file, folder), 'utf8').trimEnd().split('\n');
  return { release: file.replace('.jsonl', ''), steps: lines.map((line) => JSON.parse(line) as Step) };
});

/** What today's client does when a recorded app and gateway do what they did. */
async function replay(recorded: readonly Step[]): Promise<Step[]> {
  let socket: FakeSocket | undefined;
  const WebSocket: WebSocketConstructor = class extends FakeSocket {
    constructor(address: string, subprotocol: string) {
      super(address, subprotocol);
      socket = this;
      this.owner = {
        onFrame: (frame) => void session.steps.push({ client: messagesOf(frame) }),
        onClosedByClient: () => {},
      };
      this.open();
    }
  };
  const session = createSession(WebSocket);
  for (const step of recorded) {
    if ('client' in step || 'sees' in step) continue;
    if ('gateway' in step) socket?.deliver(frameOf(step.gateway));
    if ('closed' in step) socket?.end(step.closed, '');
    session.act(step);
    for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  }
  return session.steps;
}

/** What a client says of its own version differs; it may also say more than it used to. */
const sentOf = (steps: readonly Step[]): unknown[] =>
  steps.flatMap((step) =>
    'client' in step ? step.client.map((message) => ({ ...(message as object), client: undefined })) : [],
  );
const seenOf = (steps: readonly Step[]): unknown[] => steps.flatMap((step) => ('sees' in step ? [step.sees] : []));
const isAct = (step: Step): step is Act => !('client' in step || 'sees' in step);

describe.each(recordings)('the recorded session of release $release', ({ release, steps }) => {
  it('is understood by today’s gateway, line by line', () => {
    const frames = steps.flatMap((step) => ('client' in step ? [step.client] : []));
    expect(frames.length).toBeGreaterThan(10);
    for (const messages of frames) {
      const commands = jsonServerCodec.decode(new TextEncoder().encode(frameOf(messages)), 64);
      expect(commands).toHaveLength(messages.length);
      for (const { type } of commands) expect(['invalid', 'unknown']).not.toContain(type);
    }
  });

  it('is understood by today’s client, line by line', () => {
    const frames = steps.flatMap((step) => ('gateway' in step ? [step.gateway] : []));
    expect(frames.length).toBeGreaterThan(20);
    for (const messages of frames) expect(jsonClientCodec.decode(frameOf(messages))).toEqual(messages);
  });

  it('is lived through by today’s client: it sends what that one sent, and its app sees the same', async () => {
    const replayed = await replay(steps);
    expect(replayed.filter(isAct)).toEqual(steps.filter(isAct));
    expect(sentOf(replayed)).toMatchObject(sentOf(steps));
    expect(seenOf(replayed)).toEqual(seenOf(steps));
    expect(release).toMatch(/^\d+\.\d+\.\d+$/);
  });
});
