import { expect, it } from 'vitest';
import type { Account } from './account.js';
import { Ledger, type Row } from './ledger.js';
import type { Stream } from './stream.js';
import { formatTable } from './table.js';

function open() {
  let time = 0;
  const ledger = new Ledger(() => time);
  const gifts = ledger.openStream('a', 'r:1', 'priority');
  const chat = ledger.openStream('a', 'r:1', 'normal');
  const ann = ledger.openAccount('ann', 'r:1');
  const bob = ledger.openAccount('bob', 'r:1');
  let version = 0;
  const at = (ms: number): void => {
    time = ms;
  };
  const send = (stream: Stream): number => {
    const number = stream.send(time);
    const position = stream.lane === 'priority' ? { epoch: 'e1', version: ++version } : undefined;
    stream.acknowledge(number, position);
    return number;
  };
  const get = (account: Account, stream: Stream, number: number): void =>
    ledger.receive(account, stream.number, number, stream.messages[number]?.position?.version);
  /** What is not 0 of the rows of a step. */
  const close = (): Record<string, Partial<Row>> => {
    ledger.closeStep('step');
    return Object.fromEntries(
      ledger.rows
        .slice(-2)
        .map(({ step: _, lane, ...row }) => [
          lane,
          Object.fromEntries(Object.entries(row).filter(([, value]) => value)),
        ]),
    );
  };
  return { ledger, gifts, chat, ann, bob, at, send, get, close };
}

it('finds no fault where everybody gets everything', () => {
  const { ledger, gifts, chat, ann, bob, send, get, close } = open();
  for (let count = 0; count < 3; count += 1) {
    const [gift, text] = [send(gifts), send(chat)];
    for (const account of [ann, bob]) {
      get(account, gifts, gift);
      get(account, chat, text);
    }
  }
  expect(ledger.isLevel).toBe(true);
  const all = { sent: 3, acknowledged: 3, delivered: 6 };
  expect(close()).toEqual({ priority: all, normal: all });
  expect(ledger.faults).toEqual([]);
});

it('finds what is missing of the priority lane, the last message too, whatever was told', () => {
  const { ledger, gifts, ann, bob, send, get, close } = open();
  for (const account of [ann, bob]) get(account, gifts, send(gifts));
  expect(ledger.isLevel).toBe(false);
  ann.shed(undefined);
  expect(close().priority).toMatchObject({ missing: 2, untold: 2 });
  expect(ledger.faults).toEqual(['ann in r:1 lacks priority a/0/1', 'bob in r:1 lacks priority a/0/0']);
});

it('finds what came twice, also steps later', () => {
  const { ledger, gifts, ann, bob, send, get, close } = open();
  const gift = send(gifts);
  for (const account of [ann, bob]) get(account, gifts, gift);
  close();
  get(bob, gifts, gift);
  expect(close().priority).toMatchObject({ duplicates: 1 });
  expect(ledger.faults[0]).toBe('bob in r:1 got priority a/0/0 again');
});

it('finds versions that do not follow each other, unless the log was said to begin anew', () => {
  const { ledger, gifts, ann, send, get } = open();
  const [first, second, third] = [send(gifts), send(gifts), send(gifts)];
  get(ann, gifts, first);
  get(ann, gifts, third);
  expect(ledger.faults).toEqual(['ann in r:1 priority a/0/2 has version 3 where 2 follows']);
  ann.lost({ epoch: 'e1', after: 3 });
  get(ann, gifts, second);
  expect(ledger.faultCount).toBe(1);
});

it('finds versions that are not those which the publisher was told', () => {
  const { ledger, gifts, ann, send } = open();
  ledger.receive(ann, gifts.number, send(gifts), 7);
  expect(ledger.faults).toEqual(['ann in r:1 priority a/0/0 has version 7, its publisher was told 1']);
});

it('counts losses of the normal lane, and finds those that nobody told', () => {
  const { ledger, chat, ann, bob, send, get, close } = open();
  const texts = [send(chat), send(chat), send(chat), send(chat)];
  for (const account of [ann, bob]) get(account, chat, texts[0] as number);
  ann.shed(2);
  expect(ledger.isLevel).toBe(false);
  bob.shed(undefined);
  expect(close().normal).toMatchObject({ missing: 6, untold: 1, toldLost: 2, toldUnknown: 1 });
  expect(ledger.faultCount).toBe(3);
});

it('finds messages of a publisher that overtook each other', () => {
  const { ledger, chat, ann, send, get } = open();
  const [first, second] = [send(chat), send(chat)];
  get(ann, chat, second);
  get(ann, chat, first);
  expect(ledger.faults).toEqual(['ann in r:1 got normal a/1/0 after 1']);
});

it('asks for nothing that was refused or never answered', () => {
  const { ledger, chat, gifts, close } = open();
  chat.refuse(chat.send(0));
  gifts.send(0);
  expect(ledger.isLevel).toBe(true);
  expect(close()).toEqual({ priority: { sent: 1 }, normal: { sent: 1 } });
});

it('tells how long recovery took: the slowest priority message, and the first normal one of who waited longest', () => {
  const { ledger, gifts, chat, ann, bob, at, send, get, close } = open();
  at(1_000);
  const gift = send(gifts);
  ledger.disturb();
  at(1_100);
  const text = send(chat);
  get(ann, chat, text);
  at(1_750);
  for (const account of [ann, bob]) get(account, gifts, gift);
  get(bob, chat, text);
  expect(close()).toMatchObject({ priority: { recoveryMs: 750 }, normal: { recoveryMs: 750 } });
  expect(formatTable(ledger.rows)).toContain('recovery ms\n');
});
