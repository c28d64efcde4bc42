import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isHomeRule, parseHomes } from './homes.js';

describe('homes of groups', () => {
  it('are told by the first rule that fits', () => {
    const { homeOf, cells } = parseHomes(['u:ann=c', 'p1/*=b', 'r:eu-*=b', '*=a']);
    expect(cells).toEqual(['c', 'b', 'a']);
    const homes = ['u:ann', 'u:anna', 'p1/r:1', 'p1/u:ann', 'r:eu-1', 'r:1', 'p2/r:eu-1', 'p10/r:1'].map(homeOf);
    expect(homes).toEqual(['c', 'a', 'b', 'b', 'b', 'a', 'a', 'a']);
  });

  it('may be shared out by hash: each group has one of them, the same for all who ask, and all are used', () => {
    const one = parseHomes(['u:*=a|b', '*=a']);
    const other = parseHomes(['u:*=b|a', '*=a']);
    const used = new Set<string>();
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), (name) => {
        const home = one.homeOf(`u:${name}`);
        expect(other.homeOf(`u:${name}`)).toBe(home);
        used.add(home);
      }),
    );
    expect([...used].sort()).toEqual(['a', 'b']);
  });

  it('are there for every group: rules whose last one does not fit everything are refused', () => {
    for (const rules of [[], ['r:*=a'], ['*=a', 'r:*=b'], ['*']]) {
      expect(() => parseHomes(rules), rules.join()).toThrow(expect.objectContaining({ name: 'CONFIG_INVALID' }));
    }
  });

  it('are written as prefix or group, and cells', () => {
    for (const rule of ['*=a', 'r:*=a|b', 'p1/r:10=eu-west', 'u:a_b-C=a']) expect(isHomeRule(rule), rule).toBe(true);
    for (const rule of ['', '=a', 'r:*', 'r:*=', 'r:*=A', 'r:**=a', 'r:*x=a', 'r:*=a|', 'r: 1=a', '*=a,b']) {
      expect(isHomeRule(rule), rule).toBe(false);
    }
  });
});
