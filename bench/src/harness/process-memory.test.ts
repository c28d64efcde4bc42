import { expect, it } from 'vitest';
import { parseResidentBytes } from './process-memory.js';

it('reads the resident memory, not its peak', () => {
  expect(parseResidentBytes('VmHWM:\t    9000 kB\nVmRSS:\t    2048 kB\nVmData:\t 1 kB\n')).toBe(2 * 1024 * 1024);
  expect(parseResidentBytes('Name:\tkthread\n')).toBeNaN();
});
