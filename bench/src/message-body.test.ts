import { describe, expect, it } from 'vitest';
import { countMessages, messageBody, nowUs, readMessages } from './message-body.js';

describe('message bodies', () => {
  it('are JSON of the size that was asked for', () => {
    for (const number of [1, 9_999_999_999]) {
      const body = messageBody('normal', number, 150);
      expect(body).toHaveLength(150);
      expect(() => JSON.parse(body)).not.toThrow();
    }
  });

  it('are found in whatever a system puts around them, with lane, number and time', () => {
    const before = nowUs();
    const payload = Buffer.from(
      `{"type":"push","data":${messageBody('normal', 7, 150)}}\n{"data":${messageBody('priority', 8, 150)}}`,
    );
    const after = nowUs();
    expect(countMessages(payload)).toBe(2);
    const messages = readMessages(payload);
    expect(messages).toMatchObject([
      { lane: 'normal', number: 7 },
      { lane: 'priority', number: 8 },
    ]);
    for (const { madeAtUs } of messages) {
      expect(madeAtUs).toBeGreaterThanOrEqual(before);
      expect(madeAtUs).toBeLessThanOrEqual(after);
    }
    expect(countMessages(Buffer.from('{"type":"ping"}'))).toBe(0);
  });
});
