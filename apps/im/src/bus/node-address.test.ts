import { describe, expect, it } from 'vitest';
import { ipcNodeAddress, nodeAddress, nodeAddressesOf } from './node-address.js';

describe('nodeAddress', () => {
  it.each(['node-1@tcp://127.0.0.1:7501', 'n@tcp://[::1]:65532', 'a.b@ipc:///tmp/n'])('takes %j', (text) => {
    expect(nodeAddress.safeParse(text).success).toBe(true);
  });

  it.each([
    'tcp://127.0.0.1:7501',
    'node-1@tcp://127.0.0.1',
    'node-1@tcp://127.0.0.1:65533',
    'node-1@ipc://relative',
    'a b@tcp://127.0.0.1:7501',
    '@tcp://127.0.0.1:7501',
  ])('refuses %j', (text) => {
    expect(nodeAddress.safeParse(text).success).toBe(false);
  });
});

describe('nodeAddressesOf', () => {
  it('counts ports from the one that is named', () => {
    expect(nodeAddressesOf('n1@tcp://10.0.0.5:7501')).toEqual({
      id: 'n1',
      publish: { normal: 'tcp://10.0.0.5:7501', priority: 'tcp://10.0.0.5:7502' },
      subscribe: { normal: 'tcp://10.0.0.5:7503', priority: 'tcp://10.0.0.5:7504' },
    });
  });

  it('puts sockets beside each other', () => {
    expect(nodeAddressesOf(ipcNodeAddress('/data/rpc', 'node-1') as string)).toEqual({
      id: 'node-1',
      publish: { normal: 'ipc:///data/rpc/node-1.np', priority: 'ipc:///data/rpc/node-1.pp' },
      subscribe: { normal: 'ipc:///data/rpc/node-1.ns', priority: 'ipc:///data/rpc/node-1.ps' },
    });
  });

  it('knows when a path is longer than the system takes', () => {
    expect(ipcNodeAddress(`/${'x'.repeat(100)}`, 'node-1')).toBeUndefined();
  });
});
