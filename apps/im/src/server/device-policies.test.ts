import { ConfigError, readConfig } from '@im/runtime';
import { describe, expect, it } from 'vitest';
import { serverSettings } from '../settings.js';
import { devicePolicies } from './device-policies.js';

const policies = (...args: string[]) =>
  devicePolicies(readConfig(serverSettings, { arguments: args, environment: {} }));

describe('which connections of one person stay', () => {
  it('is all unless it is said, for everybody or for a product', () => {
    expect(policies()).toEqual({ devices: 'all', devicesByProduct: {} });
    expect(policies('--devices', 'platform,p1=one,p2=all')).toEqual({
      devices: 'platform',
      devicesByProduct: { p1: 'one', p2: 'all' },
    });
  });

  it.each(['two', 'p1=', 'P1=one', '=one', 'one=p1'])('is not %j', (given) => {
    expect(() => policies('--devices', given)).toThrow(ConfigError);
  });
});
