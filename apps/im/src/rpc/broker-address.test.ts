import { describe, expect, it } from 'vitest';
import { brokerAddress, ipcAddress, portsOf } from './broker-address.js';

describe('the address of a broker', () => {
  it.each([
    ['tcp://10.0.0.5:7401', 'tcp://10.0.0.5:7401', 'tcp://10.0.0.5:7402'],
    ['tcp://[::1]:65534', 'tcp://[::1]:65534', 'tcp://[::1]:65535'],
    ['ipc:///run/im/b1', 'ipc:///run/im/b1.callers', 'ipc:///run/im/b1.workers'],
  ])('%s stands for both its ports', (text, callers, workers) => {
    expect(brokerAddress.safeParse(text).success).toBe(true);
    expect(portsOf(text)).toEqual({ callers, workers });
  });

  it.each(['', 'tcp://host', 'tcp://host:0', 'tcp://host:65535', 'ipc://relative', 'http://host:80', 'tcp://a b:1'])(
    'is not %j',
    (text) => {
      expect(brokerAddress.safeParse(text).success).toBe(false);
    },
  );

  it('is refused where a socket would have a path of more than 107 bytes, whatever characters it has', () => {
    const folder = (bytes: number): string => `/${'é'.repeat((bytes - 1 - '/broker-1.callers'.length) / 2)}`;
    expect(ipcAddress(folder(106), 'broker-1')).toMatch(/^ipc:\/\/\/é+\/broker-1$/);
    expect(ipcAddress(folder(108), 'broker-1')).toBeUndefined();
  });
});
