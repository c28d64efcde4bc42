import { FakeClock, RecordingLogger } from '@im/protocol/testing';
import { describe, expect, it } from 'vitest';
import { QuietLogger } from './quiet-logger.js';

describe('QuietLogger', () => {
  it('says the same thing once a second, and how often it did not', () => {
    const clock = new FakeClock();
    const recorded = new RecordingLogger();
    const logger = new QuietLogger(recorded, clock);
    for (let i = 0; i < 1_000; i++) logger.warn('again', { i });
    logger.error('something else');
    clock.advance(1_000);
    logger.warn('again', { i: 1_000 });
    clock.advance(1_000);
    logger.warn('again', { i: 1_001 });
    expect(recorded.records).toEqual([
      { level: 'warn', message: 'again', fields: { i: 0 } },
      { level: 'error', message: 'something else', fields: {} },
      { level: 'warn', message: 'again', fields: { i: 1_000, suppressed: 999 } },
      { level: 'warn', message: 'again', fields: { i: 1_001 } },
    ]);
  });

  it('passes every level on', () => {
    const recorded = new RecordingLogger();
    const logger = new QuietLogger(recorded, new FakeClock());
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level](level, { level });
    expect(recorded.records.map(({ level }) => level)).toEqual(['debug', 'info', 'warn', 'error']);
  });
});
