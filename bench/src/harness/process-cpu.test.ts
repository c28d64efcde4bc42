import { expect, it } from 'vitest';
import { parseCpuTicks } from './process-cpu.js';

it('adds user and system time, whatever the command is called', () => {
  const rest = 'S 1 2 3 4 5 6 7 8 9 10 250 40 1 2 20 0 11 0 100';
  expect(parseCpuTicks(`123 (node) ${rest}`)).toBe(290);
  expect(parseCpuTicks(`123 (a) b (c d) ${rest}`)).toBe(290);
});
