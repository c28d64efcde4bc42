import { expect, it } from 'vitest';
import { parseOwnBytes, parseResidentBytes } from './process-memory.js';

const STATUS = 'VmHWM:\t    9000 kB\nVmRSS:\t    2048 kB\nRssAnon:\t  1024 kB\nRssFile:\t  1024 kB\nVmData:\t 1 kB\n';

it('reads the resident memory, not its peak', () => {
  expect(parseResidentBytes(STATUS)).toBe(2 * 1024 * 1024);
  expect(parseResidentBytes('Name:\tkthread\n')).toBeNaN();
});

it('tells what a process has itself from files that it has mapped', () => {
  expect(parseOwnBytes(STATUS)).toBe(1024 * 1024);
  expect(parseOwnBytes('Name:\tkthread\n')).toBeNaN();
});
