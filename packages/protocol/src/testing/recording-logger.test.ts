import { describe, expect, it } from 'vitest';
import { RecordingLogger } from './recording-logger.js';

describe('RecordingLogger', () => {
  it('keeps every record in order, with its level and fields', () => {
    const logger = new RecordingLogger();
    logger.warn('slow', { ms: 3 });
    logger.error('gone');
    expect(logger.records).toEqual([
      { level: 'warn', message: 'slow', fields: { ms: 3 } },
      { level: 'error', message: 'gone', fields: {} },
    ]);
  });
});
