import type { Line, Summary } from '@im/client-sdk/conversations';
import { describe, expect, it } from 'vitest';
import { People } from './people.js';

const said = (user: string, name: string): Line => ({
  kind: 'message',
  key: '1',
  from: { user, name },
  text: 'hi',
  at: 1,
  mine: false,
  takenBack: false,
});

describe('the names of people', () => {
  it('are learned from what they wrote, and stand for their ids until then', () => {
    const people = new People();
    expect(people.nameOf('u-1')).toBe('u-1');
    people.meetIn([said('u-1', 'Ann'), said('u-1', 'u-1'), said('u-2', 'u-2')]);
    people.meet('u-3', undefined);
    expect(['u-1', 'u-2', 'u-3'].map((user) => people.nameOf(user))).toEqual(['Ann', 'u-2', 'u-3']);
    expect(people.titleOf({ peer: { user: 'u-1' } } as Summary)).toBe('Ann');
    expect(people.titleOf({ name: 'Friends' } as Summary)).toBe('Friends');
  });

  it('are forgotten, those met longest ago, beyond two thousand', () => {
    const people = new People();
    for (let n = 0; n <= 2_000; n++) people.meet(`u-${n}`, `Name ${n}`);
    expect(people.nameOf('u-0')).toBe('u-0');
    expect(people.nameOf('u-1')).toBe('Name 1');
  });
});
