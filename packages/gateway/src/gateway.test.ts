import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { effects, GatewayFixture } from './testing/index.js';

describe('gateway', () => {
  let fixture: GatewayFixture;
  beforeEach(async () => {
    fixture = await new GatewayFixture().serve();
  });
  afterEach(() => fixture.close());

  it('hello, welcome', async () => {
    const ann = await fixture.enter('ann');
    const welcome = await ann.until('welcome');
    expect(welcome).toMatchObject({
      id: 1,
      user: 'ann',
      resumed: false,
      groups: [
        { group: 'u:ann', version: 0 },
        { group: 'r:0', version: 0 },
      ],
    });
  });
  it('call, reply; join; push', async () => {
    const ann = await fixture.enter('ann');
    ann.say({ type: 'call', id: 2, method: 'test.echo', data: { a: 1 } });
    expect(await ann.answerTo(2)).toEqual({ type: 'reply', id: 2, data: { a: 1 } });
    ann.say({ type: 'call', id: 3, ...effects({ type: 'join', group: 'r:1' }) });
    expect(await ann.answerTo(3)).toEqual({ type: 'reply', id: 3 });
    await fixture.gift('r:1', { gift: 'rocket' });
    await fixture.chat('r:1', 'hi');
    expect(await ann.until('push', (p) => p.event === 'chat')).toMatchObject({ group: 'r:1', data: 'hi' });
    expect(ann.messages.map((m) => m.type)).toEqual(['welcome', 'reply', 'joined', 'reply', 'ticket', 'push', 'push']);
  });
});
