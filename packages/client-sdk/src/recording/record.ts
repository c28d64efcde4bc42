/** Plays the scenario that every release is recorded with, against the fake gateway. */
import { ImError } from '@im/protocol';
import { FakeGateway } from '../testing/fake-gateway.js';
import { CLIENT_NAME } from '../version.js';
import { type Act, createSession, messagesOf, type Recording } from './session.js';

/** A bit of everything: calls, rooms, both lanes, a hole, a loss, a resume, a lost ticket, a drain, a heartbeat, a kick. */
export async function record(release: string): Promise<Recording> {
  const gateway = new FakeGateway();
  const session = createSession(gateway.WebSocket);
  gateway.onFrame = (from, frame) => {
    const messages = messagesOf(frame.replace(CLIENT_NAME, `im-js/${release}`));
    session.steps.push(from === 'client' ? { client: messages } : { gateway: messages });
  };
  gateway.handle('chat.send', ({ text }) => {
    if (text === '') throw ImError.application(1002, 'TEXT_REFUSED', { details: { reason: 'empty' } });
    gateway.publish('r:10000', 'chat', { from: 'ann', text });
    return { id: 'm-1' };
  });
  gateway.handle('gift.send', ({ gift }, { call }) => {
    gateway.publish('r:10000', 'gift', { from: 'ann', gift }, { lane: 'priority', id: call.key ?? '' });
    return { value: 100 };
  });
  const act = async (step: Act): Promise<void> => {
    session.act(step);
    await gateway.settled();
  };
  /** The gateway's end of the connection breaks or is closed. */
  const close = async (code: number): Promise<void> => {
    gateway.link.close(code, '');
    await act({ closed: code });
  };

  await act({ app: 'connect' });
  await act({ app: 'enter', room: '10000' });
  await act({ time: 0 });
  await act({ app: 'call', method: 'chat.send', data: { room: '10000', text: 'hi' } });
  await act({ app: 'call', method: 'chat.send', data: { room: '10000', text: '' } });
  await act({ app: 'call', method: 'gift.send', data: { room: '10000', gift: 'rocket' }, key: 'key-1' });
  gateway.publish('u:ann', 'message', { from: 'bob', text: 'psst' }, { lane: 'priority', id: 'm-2' });
  gateway.link.send({ type: 'shed', group: 'r:10000', count: 40, reason: 'pressure' });
  gateway.link.skip(1);
  for (const gift of ['rose', 'yacht']) gateway.publish('r:10000', 'gift', { gift }, { lane: 'priority' });
  await gateway.settled();
  gateway.link.send({ type: 'ping' });
  await gateway.settled();
  await act({ time: 25_000 });
  await close(1006);
  gateway.publish('r:10000', 'gift', { gift: 'while away' }, { lane: 'priority' });
  await act({ time: 500 });
  gateway.tickets.clear();
  await close(4000);
  for (const gift of ['lost', 'kept']) gateway.publish('r:10000', 'gift', { gift }, { lane: 'priority' });
  gateway.log('r:10000').trim(1);
  await act({ time: 500 });
  gateway.renew('r:10000');
  gateway.link.drain(3_000, 'wss://other');
  await gateway.settled();
  await act({ time: 3_000 });
  await act({ app: 'leave', room: '10000' });
  await act({ app: 'enter', room: '10001' });
  await act({ time: 0 });
  gateway.link.leave('r:10001', { code: 204, reason: 'spam' });
  await gateway.settled();
  await act({ app: 'close' });
  return { release, steps: session.steps };
}
