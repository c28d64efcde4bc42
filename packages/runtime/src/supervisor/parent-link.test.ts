import { expect, it, vi } from 'vitest';
import { ASK_FIGURES, linkToParent, READY_MESSAGE } from './parent-link.js';

it('reports readiness over the channel, and tells when the supervisor is gone', () => {
  const send = vi.fn();
  const unref = vi.fn();
  const onLost = vi.fn();
  let disconnect = () => {};
  const child = {
    send,
    connected: true,
    channel: { unref },
    once: (_: 'disconnect', listener: () => void) => {
      disconnect = listener;
    },
    on: vi.fn(),
  };
  const link = linkToParent(onLost, child);
  link.reportReady();
  expect(send).toHaveBeenCalledExactlyOnceWith(READY_MESSAGE);
  expect(unref).toHaveBeenCalled();
  disconnect();
  child.connected = false;
  link.reportReady();
  expect(onLost).toHaveBeenCalledOnce();
  expect(send).toHaveBeenCalledOnce();
});

it('does nothing without a supervisor', () => {
  const once = vi.fn();
  const link = linkToParent(() => {}, { once, on: once });
  link.reportReady();
  link.answerFigures(() => '');
  expect(once).not.toHaveBeenCalled();
});

it('tells its figures whenever the supervisor asks, and nothing else', () => {
  const send = vi.fn();
  let say: (message: unknown) => void = () => {};
  const child = {
    ...{ send, connected: true, channel: { unref: () => {} }, once: () => {} },
    on: (_: 'message', listener: (message: unknown) => void) => {
      say = listener;
    },
  };
  let asked = 0;
  linkToParent(() => {}, child).answerFigures(() => `asked ${++asked}`);
  for (const message of [ASK_FIGURES, 'else', { ASK_FIGURES }, ASK_FIGURES]) say(message);
  expect(send.mock.calls).toEqual([[{ figures: 'asked 1' }], [{ figures: 'asked 2' }]]);
});
