// Section 1 of docs/protocol.md, as the gateway shows it. What only a codec can prove is proven in @im/protocol.
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type FakeLink, GatewayFixture } from '../testing/index.js';

describe('framing', () => {
  let fixture: GatewayFixture;
  let bystander: FakeLink;
  beforeEach(async () => {
    fixture = await new GatewayFixture().serve();
    bystander = await fixture.enter('bystander');
  });
  afterEach(async () => {
    bystander.say({ type: 'call', id: 99, method: 'test.echo', data: 'still well' });
    expect(await bystander.answerTo(99)).toEqual({ type: 'reply', id: 99, data: 'still well' });
    await fixture.close();
  });

  it('takes several messages of one frame, in order, around empty lines and carriage returns [PR-3] [PR-4]', async () => {
    const ann = await fixture.enter('ann');
    const line = (id: number) => JSON.stringify({ type: 'call', id, method: 'test.echo', data: id });
    ann.say(`\n${line(2)}\r\n\r\n\n${line(3)}\n`);
    expect(await ann.answerTo(2)).toEqual({ type: 'reply', id: 2, data: 2 });
    expect(await ann.answerTo(3)).toEqual({ type: 'reply', id: 3, data: 3 });
    expect(fixture.calls.map(({ input }) => input)).toEqual([2, 3]);
  });

  it('ignores members it does not know [PR-6]', async () => {
    const ann = await fixture.enter('ann', { mood: 'good', nested: { deep: [1] } });
    ann.say({ type: 'call', id: 2, method: 'test.echo', data: 1, colour: 'red' });
    expect(await ann.answerTo(2)).toEqual({ type: 'reply', id: 2, data: 1 });
  });

  it('ignores a message of unknown kind without an id [PR-7]', async () => {
    const ann = await fixture.enter('ann');
    ann.say({ type: 'dance' }, { type: 'dance', id: 'not a number' }, { type: 'call', id: 2, method: 'test.echo' });
    await ann.answerTo(2);
    expect(ann.messages.map(({ type }) => type)).toEqual(['welcome', 'reply']);
    expect(ann.closedWith).toBeUndefined();
  });

  it('answers a command of unknown kind with UNKNOWN_COMMAND [PR-8]', async () => {
    const ann = await fixture.enter('ann');
    ann.say({ type: 'dance', id: 2 });
    expect(await ann.answerTo(2)).toMatchObject({
      type: 'error',
      code: 102,
      name: 'UNKNOWN_COMMAND',
      retryable: false,
    });
    expect(ann.closedWith).toBeUndefined();
  });

  it.each([
    ['not JSON', '{"type":'],
    ['no object', '[1,2]'],
    ['null', 'null'],
    ['no type', '{"id":7}'],
    ['a type that is no text', '{"type":3,"id":7}'],
    ['a top-level name with an escape [PR-9]', '{"type":"call","id":2,"method":"test.echo","d\\u0061ta":1}'],
    ['a bad line behind a good one', '{"type":"ping"}\n{'],
  ])('says MALFORMED and closes with 4500: %s [PR-11] [PR-16]', async (_case, frame) => {
    const ann = await fixture.enter('ann');
    ann.say(frame);
    expect(await ann.untilClosed()).toMatchObject({ code: 4500, reason: expect.stringMatching(/^MALFORMED: /) });
    const error = ann.messages.at(-1);
    expect(error).toMatchObject({ type: 'error', code: 100, name: 'MALFORMED' });
    expect(error).not.toHaveProperty('id');
    expect(fixture.calls).toEqual([]);
  });

  it('takes a frame that is not UTF-8 for malformed [PR-10]', async () => {
    const ann = await fixture.enter('ann');
    ann.sayBytes(Buffer.concat([Buffer.from('{"type":"ping","x":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]));
    expect(await ann.untilClosed()).toMatchObject({ code: 4500 });
  });

  it('names the field of a known command that breaks its grammar, and goes on [PR-12]', async () => {
    const ann = await fixture.enter('ann');
    ann.say(
      { type: 'call', id: 2, method: 'no dot' },
      { type: 'sync', id: 3, group: 'r:1', epoch: 'e', after: -1, limit: 5 },
    );
    expect(await ann.answerTo(2)).toMatchObject({ name: 'MALFORMED', details: { field: 'method' } });
    expect(await ann.answerTo(3)).toMatchObject({ name: 'MALFORMED', details: { field: 'after' } });
    expect(ann.closedWith).toBeUndefined();
  });

  it('closes when such a command has no valid id to answer [PR-12]', async () => {
    const ann = await fixture.enter('ann');
    ann.say({ type: 'call', id: 0, method: 'test.echo' });
    expect(await ann.untilClosed()).toMatchObject({ code: 4500 });
  });

  it('closes with 4501 what the transport finds too large [PR-13]', async () => {
    const ann = await fixture.enter('ann');
    ann.events.oversized();
    expect(await ann.untilClosed()).toMatchObject({
      code: 4501,
      reason: expect.stringMatching(/^FRAME_TOO_LARGE: .*65536/),
    });
  });

  it('takes no more messages in a frame than the limit [PR-14]', async () => {
    const ann = await fixture.enter('ann');
    const dances = Array.from({ length: 65 }, (_, index) => ({ type: 'dance', id: index + 2 }));
    ann.say(...dances.slice(0, 64));
    expect(ann.all('error').map(({ id }) => id)).toEqual(dances.slice(0, 64).map(({ id }) => id));
    const bob = await fixture.enter('bob');
    bob.say(...dances);
    expect(await bob.untilClosed()).toMatchObject({ code: 4500 });
    expect(bob.all('error')).toMatchObject([{ name: 'MALFORMED' }]);
  });

  it('takes what a transport calls impossible for malformed [PR-15]', async () => {
    const ann = await fixture.enter('ann');
    ann.events.malformed('a binary frame');
    expect(await ann.untilClosed()).toMatchObject({ code: 4500, reason: 'MALFORMED: a binary frame' });
    expect(ann.messages.at(-1)).toMatchObject({ type: 'error', name: 'MALFORMED' });
  });

  it('takes nothing more from a connection that it has closed', async () => {
    const ann = await fixture.enter('ann');
    ann.closesAtOnce = false;
    ann.say('{');
    ann.say({ type: 'call', id: 2, method: 'test.echo' });
    ann.events.heard();
    ann.events.malformed('again');
    ann.events.oversized();
    ann.events.confirmed(1);
    bystander.say({ type: 'call', id: 2, method: 'test.echo' });
    await bystander.answerTo(2);
    expect(fixture.calls).toHaveLength(1);
    expect(ann.closedWith?.code).toBe(4500);
    ann.disconnect();
  });
});
