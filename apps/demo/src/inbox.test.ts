import { describe, expect, it } from 'vitest';
import type { PrivateMessage } from './api.js';
import { Inbox, peerOf } from './inbox.js';

const message = (version: number, from: string, to: string): PrivateMessage => ({
  id: `${from}-${version}`,
  conversation: 'd:x',
  version,
  from: { user: from, name: from.toUpperCase() },
  to,
  text: `text ${version}`,
  at: version * 1000,
});

describe('Inbox', () => {
  it('counts what others wrote as unread, and not what I wrote', () => {
    const inbox = new Inbox('me');
    inbox.receive(message(1, 'ann', 'me'));
    inbox.receive(message(2, 'me', 'ann'));
    expect(inbox.unread).toBe(1);
    expect(inbox.conversations).toMatchObject([{ peer: 'ann', name: 'ANN', last: { version: 2 } }]);
  });

  it('counts nothing in the conversation that is being looked at', () => {
    const inbox = new Inbox('me');
    inbox.receive(message(1, 'ann', 'me'));
    inbox.look('ann');
    inbox.receive(message(2, 'ann', 'me'));
    expect(inbox.unread).toBe(0);
    inbox.look(undefined);
    inbox.receive(message(3, 'ann', 'me'));
    expect(inbox.unread).toBe(1);
  });

  it('lists the latest conversation first and keeps its newest message, whatever the order of arrival', () => {
    const inbox = new Inbox('me');
    inbox.receive(message(5, 'ann', 'me'));
    inbox.recall(message(2, 'ann', 'me'), 'Ann');
    inbox.receive(message(6, 'bob', 'me'));
    expect(inbox.conversations.map(({ peer, last }) => [peer, last.version])).toEqual([
      ['bob', 6],
      ['ann', 5],
    ]);
    expect(inbox.nameOf('ann')).toBe('Ann');
  });

  it('forgets the oldest conversation beyond its bound', () => {
    const inbox = new Inbox('me');
    for (let n = 1; n <= 201; n++) inbox.receive(message(n, `peer${n}`, 'me'));
    expect(inbox.conversations).toHaveLength(200);
    expect(inbox.nameOf('peer1')).toBe('peer1');
  });

  it('tells listeners of each message until they leave', () => {
    const inbox = new Inbox('me');
    const heard: (number | undefined)[] = [];
    const leave = inbox.listen((heardMessage) => heard.push(heardMessage?.version));
    inbox.receive(message(1, 'ann', 'me'));
    inbox.look('ann');
    leave();
    inbox.receive(message(2, 'ann', 'me'));
    expect(heard).toEqual([1, undefined]);
  });
});

it('finds the other person of a message', () => {
  expect(peerOf(message(1, 'ann', 'me'), 'me')).toBe('ann');
  expect(peerOf(message(1, 'me', 'ann'), 'me')).toBe('ann');
});
