import { describe, expect, it } from 'vitest';
import { type DrainOrder, MAX_ORDERS } from '../drain-order.js';
import { OrderInbox } from './order-inbox.js';

const orderOf = (order: string, incarnation = 'a-1'): DrainOrder => ({
  ...{ order, id: 'a', incarnation },
  windowMs: 10_000,
  restart: false,
});

function listen(inbox: OrderInbox): string[] {
  const heard: string[] = [];
  inbox.subscribe(({ order }) => heard.push(order));
  return heard;
}

describe('the orders that a member hears', () => {
  it('are told once each, however often and by whom they are repeated', () => {
    const inbox = new OrderInbox('a-1');
    const heard = listen(inbox);
    for (let beat = 0; beat < 3; beat++) {
      inbox.heard([orderOf('o-1')]);
      if (beat > 0) inbox.heard([orderOf('o-2')]);
    }
    expect(heard).toEqual(['o-1', 'o-2']);
  });

  it('are those of this run alone', () => {
    const inbox = new OrderInbox('a-2');
    const heard = listen(inbox);
    inbox.heard([orderOf('o-1'), orderOf('o-2', 'a-2')]);
    expect(heard).toEqual(['o-2']);
  });

  it('are told to who listens later, the last one alone', () => {
    const inbox = new OrderInbox('a-1');
    expect(listen(inbox)).toEqual([]);
    inbox.heard([orderOf('o-1')]);
    inbox.heard([orderOf('o-2')]);
    expect(listen(inbox)).toEqual(['o-2']);
  });

  it('are not told to who has ended listening', () => {
    const inbox = new OrderInbox('a-1');
    const heard: string[] = [];
    inbox.subscribe(({ order }) => heard.push(order))();
    inbox.heard([orderOf('o-1')]);
    expect(heard).toEqual([]);
  });

  it('are remembered in a bounded number, the latest', () => {
    const inbox = new OrderInbox('a-1');
    const heard = listen(inbox);
    for (let count = 0; count <= MAX_ORDERS; count++) inbox.heard([orderOf(`o-${count}`)]);
    inbox.heard([orderOf(`o-${MAX_ORDERS}`), orderOf('o-1')]);
    expect(heard).toHaveLength(MAX_ORDERS + 1);
    inbox.heard([orderOf('o-0')]);
    expect(heard.at(-1)).toBe('o-0');
  });
});
