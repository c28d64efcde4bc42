import { describe, expect, it } from 'vitest';
import { checkName } from './names.js';

describe('checkName', () => {
  it('takes methods that only the system can call, and no services like that', () => {
    expect(() => checkName('method', '$effectsRejected')).not.toThrow();
    expect(() => checkName('service', '$broker')).toThrow(expect.objectContaining({ name: 'INVALID_ARGUMENT' }));
    for (const name of ['', '1a', 'a.b', 'a'.repeat(65)]) {
      expect(() => checkName('method', name)).toThrow(expect.objectContaining({ name: 'INVALID_ARGUMENT' }));
    }
  });
});
