import { expect, it, vi } from 'vitest';
import { linkToParent, READY_MESSAGE } from './parent-link.js';

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
  linkToParent(() => {}, { once }).reportReady();
  expect(once).not.toHaveBeenCalled();
});
