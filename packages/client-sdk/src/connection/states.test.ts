import { describe, expect, it } from 'vitest';
import { type Cause, next, PUBLIC, type State } from './states.js';

const STATES = Object.keys(PUBLIC) as State[];
const CAUSES: Cause[] = [
  'connect',
  'close',
  'resolved',
  'opened',
  'welcomed',
  'silent',
  'heard',
  'move',
  'moved',
  'lost',
  'expired',
  'forbidden',
  'retry',
  'offline',
];

describe('the table of states', () => {
  it('reaches every state from idle, and uses every cause', () => {
    const reached = new Set<State>(['idle']);
    const used = new Set<Cause>();
    for (const state of reached) {
      for (const cause of CAUSES) {
        const to = next(state, cause);
        if (!to) continue;
        reached.add(to);
        used.add(cause);
      }
    }
    expect([...reached].sort()).toEqual([...STATES].sort());
    expect([...used].sort()).toEqual([...CAUSES].sort());
  });

  it('lets the app close it from everywhere, and nothing but the app opens it again', () => {
    for (const state of STATES) expect(next(state, 'close')).toBe(state === 'closed' ? undefined : 'closed');
    expect(CAUSES.filter((cause) => next('closed', cause))).toEqual(['connect']);
    expect(CAUSES.filter((cause) => next('idle', cause))).toEqual(['connect', 'close']);
  });

  it('shows a connection as connected from its welcome to its loss', () => {
    expect(STATES.filter((state) => PUBLIC[state] === 'connected')).toEqual(['open', 'probing', 'leaving']);
    for (const state of STATES) {
      for (const cause of CAUSES) {
        const to = next(state, cause);
        const enters = to && PUBLIC[to] === 'connected' && PUBLIC[state] !== 'connected';
        expect(Boolean(enters)).toBe(cause === 'welcomed' && state === 'greeting');
      }
    }
  });
});
