import { describe, expect, it } from 'vitest';
import { TalkLedger } from './talk-ledger.js';

function twoPeople(epochs = 1) {
  const ledger = new TalkLedger(epochs);
  const devices = ['phone', 'tablet'].map((name) => ledger.openDevice(name, ['ann and bob']));
  for (const text of ['hello', 'how are you']) {
    ledger.say('ann and bob', text);
    ledger.store(text);
  }
  return { ledger, devices };
}

describe('the ledger of what is said', () => {
  it('finds nothing wrong where every device was told of everything once and shows it in order', () => {
    const { ledger, devices } = twoPeople();
    expect(ledger.isSettled).toBe(false);
    for (const device of devices) {
      device.came('hello');
      device.shows('ann and bob', [{ version: 1, text: 'hello' }]);
      device.came('how are you');
      device.showsAll('ann and bob', [
        { version: 1, text: 'hello' },
        { version: 2, text: 'how are you' },
      ]);
    }
    expect(ledger.isSettled).toBe(true);
    expect(ledger.close()).toEqual({ said: 2, stored: 2, delivered: 4, duplicates: 0, missing: 0, outOfOrder: 0 });
    expect(ledger.faults).toEqual([]);
  });

  it('counts what logs that began anew brought again, and finds it wrong only where it came again without that', () => {
    const { ledger, devices } = twoPeople(2);
    for (const device of devices) {
      for (const text of ['hello', 'hello', 'how are you']) device.came(text);
    }
    devices[0]?.came('how are you');
    expect(ledger.close()).toMatchObject({ delivered: 7, duplicates: 3, missing: 0 });
    expect(ledger.faults).toEqual([]);
    devices[0]?.came('hello');
    ledger.close();
    expect(ledger.faults).toEqual(['phone was told 3 times of: hello']);
  });

  it.each<[string, (setting: ReturnType<typeof twoPeople>) => void, string]>([
    [
      'comes twice',
      ({ devices: [phone] }) => {
        phone?.came('hello');
        phone?.came('hello');
      },
      'phone was told 2 times of: hello',
    ],
    ['does not come', ({ devices: [phone] }) => phone?.came('hello'), 'phone was not told of 1 messages'],
    [
      'is shown before an earlier one',
      ({ devices: [phone] }) =>
        phone?.shows('ann and bob', [
          { version: 2, text: 'b' },
          { version: 1, text: 'a' },
        ]),
      'phone shows 1 of ann and bob behind 2',
    ],
    [
      'is shown behind a hole',
      ({ devices: [phone] }) =>
        phone?.shows('ann and bob', [
          { version: 1, text: 'a' },
          { version: 3, text: 'c' },
        ]),
      'phone shows 3 of ann and bob behind 1',
    ],
    [
      'is missing in the end',
      ({ devices: [phone] }) => phone?.showsAll('ann and bob', [{ version: 1, text: 'hello' }]),
      'phone shows 1 messages of ann and bob, stored are 2',
    ],
    [
      'reaches somebody else',
      ({ ledger }) => ledger.openDevice('watch', ['others']).came('hello'),
      'watch was told of: hello',
    ],
    ['is never acknowledged', ({ ledger }) => ledger.say('ann and bob', 'lost'), '1 messages were never acknowledged'],
  ])('says so when a message %s', (_, disturb, fault) => {
    const setting = twoPeople();
    disturb(setting);
    setting.ledger.close();
    expect(setting.ledger.faults).toContain(fault);
  });
});
