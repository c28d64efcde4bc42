import { ERROR_CODES, ImError } from '@im/protocol';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { setUp as setUpClient } from '../testing/fixture.js';
import { FakeConversations } from '../testing/index.js';
import { type Conversation, type Conversations, conversations, type LiveMessage, type MessageLine } from './index.js';

function setUp() {
  const world = setUpClient();
  const service = new FakeConversations(world.gateway);
  const all = conversations(world.client, { clock: world.clock, random: () => 0 });
  onTestFinished(() => all.close());
  return { ...world, service, all };
}

const texts = ({ lines }: Conversation): string[] =>
  lines.map((line) => (line.kind === 'message' ? line.text : line.event));
const states = ({ lines }: Conversation): (string | undefined)[] => lines.map((line) => (line as MessageLine).state);
const listen = (conversation: Conversation): Conversation => {
  conversation.on('change', () => {});
  return conversation;
};
const unread = (all: Conversations): (readonly [string, number])[] =>
  all.list.map(({ conversation, unread: count }) => [conversation, count]);

describe('the list', () => {
  it('has everything after connecting, newest first, and is kept by what comes', async () => {
    const { service, all, start, gateway, pass } = setUp();
    const group = service.create('Friends', 'bob', 'ann');
    service.send('bob', { to: 'ann', text: 'hi' });
    service.send('cat', { to: 'ann', text: 'hello' });
    await start();
    await pass(50);
    expect([all.loaded, all.hasMore, all.unread]).toEqual([true, false, 2]);
    expect(unread(all)).toEqual([
      ['d:ann-cat', 1],
      ['d:ann-bob', 1],
      [group, 0],
    ]);
    let changes = 0;
    all.on('change', () => changes++);
    service.send('bob', { conversation: group, text: 'all of you' });
    service.send('bob', { to: 'ann', text: 'hi again' });
    await gateway.settled();
    expect(unread(all)).toEqual([
      ['d:ann-bob', 2],
      [group, 1],
      ['d:ann-cat', 1],
    ]);
    expect(changes).toBeGreaterThan(0);
  });

  it('learns of conversations that begin while it is there', async () => {
    const { service, all, start, pass, gateway } = setUp();
    await start();
    service.send('bob', { to: 'ann', text: 'hi' });
    const group = service.create('Friends', 'bob', 'ann');
    await pass(1_000);
    expect(unread(all)).toEqual([
      [group, 0],
      ['d:ann-bob', 1],
    ]);
    service.send('bob', { conversation: group, text: 'welcome' });
    await gateway.settled();
    expect(all.list[0]).toMatchObject({ conversation: group, unread: 1, members: 2, name: 'Friends' });
    service.remove('bob', group, 'ann');
    await gateway.settled();
    expect(unread(all)).toEqual([['d:ann-bob', 1]]);
  });

  it('reads on behind short pages until there is something to show', async () => {
    const { service, all, start, pass, gateway } = setUp();
    for (let n = 0; n < 3; n++) service.send(`u${n}`, { to: 'ann', text: 'hi' });
    const list = gateway.handler('conversation.list');
    gateway.handle('conversation.list', (input, context) => {
      const at = Number(input.before ?? 0);
      return at < 2 ? { conversations: [], before: String(at + 1) } : list({ limit: 50 }, context);
    });
    await start();
    await pass(50);
    expect([all.list.length, all.loaded, all.hasMore]).toEqual([3, true, false]);
  });

  it('is there also when the groups cannot be joined', async () => {
    const { service, all, start, pass, gateway } = setUp();
    const reportError = vi.fn();
    vi.stubGlobal('reportError', reportError);
    onTestFinished(() => void vi.unstubAllGlobals());
    gateway.handle('conversation.open', () => {
      throw new ImError('TOO_MANY_GROUPS');
    });
    service.send('bob', { to: 'ann', text: 'hi' });
    await start();
    await pass(50);
    expect(all.unread).toBe(1);
    expect(reportError.mock.calls).toMatchObject([[{ name: 'TOO_MANY_GROUPS' }]]);
  });

  it('loads older ones on demand', async () => {
    const { service, all, start, pass } = setUp();
    for (let n = 0; n < 120; n++) service.send(`u${n}`, { to: 'ann', text: 'hi' });
    await start();
    await pass(50);
    expect([all.list.length, all.hasMore]).toEqual([50, true]);
    await all.more();
    await all.more();
    expect([all.list.length, all.hasMore]).toEqual([120, false]);
    await all.more();
    expect(new Set(all.list.map(({ conversation }) => conversation)).size).toBe(120);
  });

  it('knows what another device has read and muted', async () => {
    const { service, all, start, pass, gateway } = setUp();
    const group = service.create('Friends', 'bob', 'ann');
    for (const text of ['1', '2', '3']) service.send('bob', { conversation: group, text });
    await start();
    await pass(50);
    expect(all.unread).toBe(3);
    service.read('ann', group, 4);
    await gateway.settled();
    expect(all.unread).toBe(0);
    gateway.publish('u:ann', 'mute', { conversation: group, muted: true });
    service.send('bob', { conversation: group, text: '4' });
    await gateway.settled();
    expect([all.unread, all.list[0]?.muted, all.list[0]?.unread]).toEqual([0, true, 1]);
  });

  it('asks again after normal messages were lost, which may have said what was read', async () => {
    const { service, all, start, pass, gateway } = setUp();
    service.send('bob', { to: 'ann', text: 'hi' });
    await start();
    await pass(50);
    gateway.link.cut();
    service.read('ann', 'd:ann-bob', 1);
    await pass(3_000);
    expect(all.unread).toBe(0);
  });

  it('tells of each message once, also of those that were missed', async () => {
    const { service, all, start, pass, gateway } = setUp();
    const group = service.create('Friends', 'bob', 'ann');
    const heard: string[] = [];
    all.on('message', ({ conversation, version, text }: LiveMessage) =>
      heard.push(`${conversation} ${version} ${text}`),
    );
    await start();
    await pass(50);
    service.send('bob', { conversation: group, text: 'one' });
    gateway.link.cut();
    gateway.tickets.clear();
    service.send('bob', { conversation: group, text: 'two' });
    service.send('bob', { to: 'ann', text: 'three' });
    await pass(2_000);
    expect(heard.sort()).toEqual(['d:ann-bob 1 three', `${group} 2 one`, `${group} 3 two`].sort());
  });

  it('joins its groups again when it came back by a ticket from before they were joined', async () => {
    const { service, all, start, pass, gateway } = setUp();
    const group = service.create('Friends', 'bob', 'ann');
    const heard: string[] = [];
    all.on('message', ({ version, text }: LiveMessage) => heard.push(`${version} ${text}`));
    await start();
    await pass(50);
    service.send('bob', { conversation: group, text: 'one' });
    gateway.link.cut();
    for (const [ticket, session] of gateway.tickets) gateway.tickets.set(ticket, { ...session, groups: new Set() });
    service.send('bob', { conversation: group, text: 'two' });
    await pass(2_000);
    service.send('bob', { conversation: group, text: 'three' });
    await gateway.settled();
    expect(heard).toEqual(['2 one', '3 two', '4 three']);
    expect(all.list.map(({ conversation }) => conversation)).toEqual([group]);
  });

  it('does not join its groups again when they were restored', async () => {
    const { service, start, pass, gateway, all } = setUp();
    const group = service.create('Friends', 'bob', 'ann');
    const heard: string[] = [];
    all.on('message', ({ version, text }: LiveMessage) => heard.push(`${version} ${text}`));
    let joins = 0;
    const join = gateway.handler('conversation.open');
    gateway.handle('conversation.open', (input, context) => {
      joins++;
      return join(input, context);
    });
    await start();
    await pass(50);
    for (const text of ['one', 'two']) {
      gateway.link.cut();
      service.send('bob', { conversation: group, text });
      await pass(2_000);
    }
    expect([joins, heard]).toEqual([1, ['2 one', '3 two']]);
    service.remove('bob', group, 'ann');
    await gateway.settled();
    expect(all.list).toEqual([]);
  });

  it('hears what it missed of its groups also when the gateway could not restore them', async () => {
    const { service, all, start, pass, gateway } = setUp();
    const group = service.create('Friends', 'bob', 'ann');
    const heard: string[] = [];
    all.on('message', ({ version, text }: LiveMessage) => heard.push(`${version} ${text}`));
    const conversation = listen(all.open(group));
    const seen = new Set<string>();
    await start();
    await pass(50);
    service.send('bob', { conversation: group, text: 'one' });
    conversation.on('change', () => seen.add(conversation.state));
    gateway.onHello = (link) => {
      link.left = [{ group, code: ERROR_CODES.NOT_A_MEMBER.code, reason: 'enter it again' }];
      link.welcome();
    };
    gateway.tickets.clear();
    gateway.link.cut();
    service.send('bob', { conversation: group, text: 'two' });
    await pass(2_000);
    service.send('bob', { conversation: group, text: 'three' });
    await gateway.settled();
    expect(heard).toEqual(['2 one', '3 two', '4 three']);
    expect([...seen]).not.toContain('gone');
  });

  it('hears what it missed also when the call that joins its groups was cut off, and is answered late, before the one of the next connection', async () => {
    const { service, all, start, pass, gateway } = setUp();
    const group = service.create('Friends', 'bob', 'ann');
    const heard: string[] = [];
    all.on('message', ({ version, text }: LiveMessage) => heard.push(`${version} ${text}`));
    const join = gateway.handler('conversation.open');
    const pages: unknown[] = [];
    let [calls, letJoin] = [0, () => {}];
    gateway.handle('conversation.open', async (input, context) => {
      calls++;
      if (calls === 2) return new Promise(() => {});
      if (calls === 3) return pages[0];
      if (calls === 4) await new Promise<void>((resolve) => (letJoin = resolve));
      const page = await join(input, context);
      pages.push(page);
      return page;
    });
    await start();
    await pass(50);
    gateway.tickets.clear();
    gateway.link.cut();
    service.send('bob', { conversation: group, text: 'one' });
    await pass(2_000);
    gateway.link.cut();
    while (calls < 4) await pass(50);
    letJoin();
    await gateway.settled();
    service.send('bob', { conversation: group, text: 'two' });
    await gateway.settled();
    expect([calls, heard]).toEqual([4, ['2 one', '3 two']]);
    expect(all.list.map(({ conversation }) => conversation)).toEqual([group]);
  });

  it('forgets a group that it was removed from while it was away', async () => {
    const { service, all, start, pass, gateway } = setUp();
    const group = service.create('Friends', 'bob', 'ann');
    const conversation = listen(all.open(group));
    await start();
    await pass(50);
    expect(conversation.state).toBe('open');
    gateway.link.cut();
    gateway.tickets.clear();
    service.remove('bob', group, 'ann');
    await pass(2_000);
    expect([all.list, conversation.state, conversation.lines]).toEqual([[], 'gone', []]);
    service.invite('bob', group, 'ann');
    await pass(1_000);
    expect([all.list.length, conversation.state]).toEqual([1, 'open']);
  });
});

describe('a conversation', () => {
  it('shows its newest page again when it hears by an older one that the log began anew', async () => {
    const { service, all, start, pass, gateway } = setUp();
    for (let n = 1; n <= 60; n++) service.send('bob', { to: 'ann', text: `${n}` });
    const conversation = listen(all.with('bob'));
    await start();
    await pass(50);
    expect(conversation.hasOlder).toBe(true);
    gateway.log('d:ann-bob').renew();
    // Nobody tells of it.
    gateway
      .log('d:ann-bob')
      .append('message', { id: 'x', from: { user: 'bob', name: 'bob' }, text: 'anew', at: 1 }, {});
    await conversation.load('older');
    await pass(50);
    expect([conversation.state, texts(conversation)]).toEqual(['open', ['anew']]);
  });

  it('shows its newest page, older ones on demand, and what comes', async () => {
    const { service, all, start, pass, gateway } = setUp();
    for (let n = 1; n <= 120; n++) service.send('bob', { to: 'ann', text: `${n}` });
    const conversation = listen(all.with('bob'));
    expect([conversation.state, conversation.id]).toEqual(['loading', undefined]);
    await start();
    await pass(50);
    expect([conversation.state, conversation.id]).toEqual(['open', 'd:ann-bob']);
    expect(texts(conversation)).toEqual(Array.from({ length: 50 }, (_, n) => `${71 + n}`));
    await conversation.load('older');
    await conversation.load('older');
    expect([conversation.lines.length, conversation.hasOlder]).toEqual([120, false]);
    service.send('bob', { to: 'ann', text: '121' });
    await gateway.settled();
    expect(texts(conversation).at(-1)).toBe('121');
    expect(all.with('bob')).toBe(conversation);
    expect(all.open('d:ann-bob')).toBe(conversation);
  });

  it('asks for nothing while nobody listens, and for all that was missed when somebody does', async () => {
    const { service, all, start, pass, gateway } = setUp();
    service.send('bob', { to: 'ann', text: '1' });
    const conversation = all.with('bob');
    await start();
    await pass(1_000);
    expect(gateway.link.receivedOf('call').map(({ method }) => method)).not.toContain('conversation.history');
    listen(conversation);
    await pass(50);
    expect(texts(conversation)).toEqual(['1']);
  });

  it('waits a moment for two who wrote at once, then pulls what is missing', async () => {
    const { all, start, pass, gateway, service } = setUp();
    service.send('bob', { to: 'ann', text: '0' });
    const conversation = listen(all.with('bob'));
    await start();
    await pass(50);
    const calls = () =>
      gateway.link.receivedOf('call').filter(({ method }) => method === 'conversation.history').length;
    const before = calls();
    const log = gateway.log('d:ann-bob');
    const entries = ['1', '2', '3'].map((text) =>
      log.append('message', { id: text, from: { user: 'bob', name: 'B' }, text, at: 1 }),
    );
    const notice = (n: number) => {
      const { version, data } = entries[n] as (typeof entries)[number];
      gateway.publish(
        'u:ann',
        'message',
        { ...(data as object), conversation: 'd:ann-bob', version },
        { lane: 'priority' },
      );
    };
    notice(1);
    notice(0);
    await pass(500);
    expect([texts(conversation), calls()]).toEqual([['0', '1', '2'], before]);
    entries.push(log.append('message', { id: '4', from: { user: 'bob', name: 'B' }, text: '4', at: 1 }));
    notice(3);
    await pass(200);
    expect(texts(conversation)).toEqual(['0', '1', '2']);
    await pass(300);
    expect([texts(conversation), calls()]).toEqual([['0', '1', '2', '3', '4'], before + 1]);
    expect(service.entries('ann', 'd:ann-bob')).toHaveLength(5);
  });

  it('shows what is taken back and hides what is forgotten, done here or elsewhere', async () => {
    const { service, all, start, pass, gateway } = setUp();
    const group = service.create('Friends', 'bob', 'ann');
    for (const text of ['1', '2', '3']) service.send('bob', { conversation: group, text });
    const conversation = listen(all.open(group));
    await start();
    await pass(50);
    service.takeBack('bob', group, 3);
    await gateway.settled();
    expect(conversation.lines[2]).toMatchObject({ takenBack: true, text: '' });
    expect(all.list[0]?.unread).toBe(3);
    await pass(600);
    expect(all.list[0]?.unread).toBe(2);
    await conversation.forget({ versions: [2] });
    expect(texts(conversation)).toEqual(['members', '', '3']);
    gateway.publish('u:ann', 'forget', { conversation: group, upTo: 3 });
    await gateway.settled();
    expect(texts(conversation)).toEqual(['3']);
  });

  it('is read on all devices by one call, told again until it is acknowledged', async () => {
    const { service, all, start, pass, gateway, client } = setUp();
    service.send('bob', { to: 'ann', text: '1' });
    const conversation = listen(all.with('bob'));
    await start();
    await pass(50);
    let refusals = 2;
    const read = gateway.handler('conversation.read');
    gateway.handle('conversation.read', (input, context) => {
      if (refusals-- > 0) throw new ImError('STORE_UNAVAILABLE');
      return read(input, context);
    });
    conversation.read();
    conversation.read();
    expect(all.unread).toBe(0);
    await pass(3_000);
    expect(service.summary('ann', 'd:ann-bob').read).toBe(1);
    expect(gateway.link.receivedOf('call').filter(({ method }) => method === 'conversation.read')).toHaveLength(3);
    expect(client.state.status).toBe('connected');
  });

  it('says that it is gone when the service does not know it', async () => {
    const { all, start, pass } = setUp();
    const conversation = listen(all.open('g:none'));
    await start();
    await pass(50);
    expect(conversation.state).toBe('gone');
  });

  it('keeps fifty loaded that nobody listens to, and those that somebody listens to', async () => {
    const { all } = setUp();
    const heard = listen(all.open('g:heard'));
    const silent = all.open('g:silent');
    for (let n = 0; n < 60; n++) all.open(`g:${n}`);
    expect(all.open('g:heard')).toBe(heard);
    expect(all.open('g:silent')).not.toBe(silent);
  });
});

describe('sending', () => {
  it('shows the message at once, once it is stored as sent, and never twice', async () => {
    const { all, start, pass, gateway } = setUp();
    const conversation = listen(all.with('bob'));
    await start();
    await pass(50);
    gateway.link.hold();
    conversation.send(' one ');
    conversation.send('two');
    expect(texts(conversation)).toEqual(['one', 'two']);
    expect(states(conversation)).toEqual(['sending', 'sending']);
    gateway.link.release();
    await gateway.settled();
    expect(texts(conversation)).toEqual(['one', 'two']);
    expect(states(conversation)).toEqual(['sent', 'sent']);
    await pass(1_000);
    expect(texts(conversation)).toEqual(['one', 'two']);
    expect(all.list[0]).toMatchObject({ conversation: 'd:ann-bob', unread: 0, last: { data: { text: 'two' } } });
  });

  it('shows one line when the stored copy comes before the acknowledgement', async () => {
    const { all, start, pass, gateway, service } = setUp();
    const group = service.create('Friends', 'bob', 'ann');
    const conversation = listen(all.open(group));
    await start();
    await pass(50);
    let acknowledge = (): void => {};
    const send = gateway.handler('conversation.send');
    gateway.handle('conversation.send', async (input, context) => {
      const answer = send(input, context);
      await new Promise<void>((resolve) => {
        acknowledge = resolve;
      });
      return answer;
    });
    conversation.send('hi');
    conversation.send('hi');
    await gateway.settled();
    expect(texts(conversation)).toEqual(['members', 'hi', 'hi']);
    expect(states(conversation)).toEqual([undefined, 'sent', 'sending']);
    for (let n = 0; n < 2; n++) {
      acknowledge();
      await gateway.settled();
    }
    expect(states(conversation)).toEqual([undefined, 'sent', 'sent']);
  });

  it('goes on until it is stored, whatever is lost, in the order in which it was written', async () => {
    const { all, start, pass, gateway, service, client } = setUp();
    const conversation = listen(all.with('bob'));
    await start();
    await pass(50);
    gateway.link.die();
    for (const text of ['1', '2', '3']) conversation.send(text);
    await pass(40_000);
    expect(states(conversation)).toEqual(['sent', 'sent', 'sent']);
    gateway.link.hold();
    conversation.send('4');
    await gateway.settled();
    gateway.link.cut();
    client.close();
    conversation.send('5');
    await pass(10_000);
    expect(states(conversation).slice(3)).toEqual(['sending', 'sending']);
    client.connect();
    await pass(3_000);
    const stored = service.entries('ann', 'd:ann-bob').map(({ data }) => (data as { text: string }).text);
    expect(stored).toEqual(['1', '2', '3', '4', '5']);
    expect(texts(conversation)).toEqual(stored);
  });

  it('ends when the conversations are closed, though the client stays open: the one under way is the last', async () => {
    const { all, start, pass, gateway, service } = setUp();
    const conversation = listen(all.with('bob'));
    await start();
    await pass(50);
    gateway.link.hold();
    for (const text of ['1', '2', '3']) conversation.send(text);
    await gateway.settled();
    all.close();
    gateway.link.release();
    await pass(40_000);
    expect(service.entries('ann', 'd:ann-bob').map(({ data }) => (data as { text: string }).text)).toEqual(['1']);
    conversation.send('4');
    await pass(40_000);
    expect(states(conversation).slice(1)).toEqual(['failed', 'failed', 'failed']);
    expect(service.entries('ann', 'd:ann-bob')).toHaveLength(1);
  });

  it('says why it failed, lets the others go on, and sends it again under another key', async () => {
    const { all, start, pass, gateway } = setUp();
    const conversation = listen(all.with('bob'));
    await start();
    await pass(50);
    const send = gateway.handler('conversation.send');
    gateway.handle('conversation.send', (input, context) => {
      if (input.text === 'bad') throw ImError.application(1002, 'TEXT_REFUSED', { message: 'refused' });
      return send(input, context);
    });
    const key = conversation.send('bad');
    conversation.send('good');
    await gateway.settled();
    expect(texts(conversation)).toEqual(['good', 'bad']);
    expect(conversation.lines[1]).toMatchObject({ key, state: 'failed', error: { name: 'TEXT_REFUSED' } });
    gateway.handle('conversation.send', send);
    conversation.retry(key);
    await gateway.settled();
    expect(states(conversation)).toEqual(['sent', 'sent']);
    const keys = gateway.link.receivedOf('call').flatMap((call) => call.key ?? []);
    expect(new Set(keys).size).toBe(3);
  });

  it('says how far messages that ask came, as it is told, and as it is asked after what was told got lost', async () => {
    const { all, start, pass, gateway, service } = setUp();
    const group = service.create('Friends', 'bob', 'ann', 'cat');
    const conversation = listen(all.open(group));
    await start();
    await pass(50);
    conversation.send('ask', { receipt: true });
    conversation.send('do not ask');
    await gateway.settled();
    service.receive('ann', group, 2, { of: 2, delivered: 1, read: 0 });
    await gateway.settled();
    expect(conversation.lines[1]).toMatchObject({ state: 'sent', reach: { of: 2, delivered: 1, read: 0 } });
    service.receive('ann', group, 2, { of: 2, delivered: 2, read: 1 });
    await gateway.settled();
    expect(states(conversation)).toEqual([undefined, 'delivered', 'sent']);
    gateway.link.cut();
    service.receive('ann', group, 2, { of: 2, delivered: 2, read: 2 }, false);
    await pass(2_000);
    expect(states(conversation)).toEqual([undefined, 'read', 'sent']);
    const asked = () =>
      gateway.links.flatMap((link) => link.receivedOf('call')).filter(({ method }) => method === 'receipt.of');
    expect(asked().map(({ data }) => data)).toEqual([{ conversation: group, versions: [2] }]);
    gateway.link.cut();
    await pass(2_000);
    expect(asked()).toHaveLength(1);
  });

  it('goes on when nobody looks at the conversation any longer', async () => {
    const { all, start, pass, gateway, service } = setUp();
    await start();
    all.with('bob').send('hi');
    for (let n = 0; n < 60; n++) all.open(`g:${n}`);
    await pass(100);
    await gateway.settled();
    expect(service.entries('ann', 'd:ann-bob')).toHaveLength(1);
  });

  it('refuses what does not fit into the queue', async () => {
    const { all } = setUp();
    const conversation = all.with('bob');
    for (let n = 0; n < 100; n++) conversation.send('hi');
    expect(() => conversation.send('hi')).toThrow(expect.objectContaining({ name: 'QUEUE_FULL' }));
  });
});
