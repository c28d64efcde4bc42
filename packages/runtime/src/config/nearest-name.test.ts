import { expect, it } from 'vitest';
import { nearestName } from './nearest-name.js';

const names = ['--port', '--host', '--data', 'IM_PING_INTERVAL_MS'];

it.each([
  ['--prot', '--port'],
  ['--Port', '--port'],
  ['--dat', '--data'],
  ['IM_PING_INTERVAL', 'IM_PING_INTERVAL_MS'],
])('takes %s for %s', (typed, meant) => {
  expect(nearestName(typed, names)).toBe(meant);
});

it('has no guess for something quite different', () => {
  expect(nearestName('--certificate', names)).toBeUndefined();
});
