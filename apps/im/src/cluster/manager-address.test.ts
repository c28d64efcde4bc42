import { describe, expect, it } from 'vitest';
import { ipcManagerAddress, managerAddress, managerPortsOf } from './manager-address.js';

describe('managerAddress', () => {
  it.each(['tcp://127.0.0.1:7601', 'tcp://[::1]:65534', 'ipc:///tmp/m'])('takes %j', (text) => {
    expect(managerAddress.safeParse(text).success).toBe(true);
  });

  it.each(['127.0.0.1:7601', 'tcp://127.0.0.1', 'tcp://127.0.0.1:65535', 'ipc://relative', ''])(
    'refuses %j',
    (text) => {
      expect(managerAddress.safeParse(text).success).toBe(false);
    },
  );
});

it('managerPortsOf names both ports', () => {
  expect(managerPortsOf('tcp://10.0.0.5:7601')).toEqual({
    heartbeats: 'tcp://10.0.0.5:7601',
    topology: 'tcp://10.0.0.5:7602',
  });
  expect(managerPortsOf('ipc:///data/m')).toEqual({
    heartbeats: 'ipc:///data/m.heartbeats',
    topology: 'ipc:///data/m.topology',
  });
});

it('ipcManagerAddress knows when a path is longer than the system takes', () => {
  expect(ipcManagerAddress('/data', 'm')).toBe('ipc:///data/m');
  expect(ipcManagerAddress(`/${'x'.repeat(100)}`, 'm')).toBeUndefined();
});
