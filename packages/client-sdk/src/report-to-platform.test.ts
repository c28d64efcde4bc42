import { afterEach, describe, expect, it, vi } from 'vitest';
import { createClient } from './index.js';
import { FakeGateway } from './testing/index.js';

afterEach(() => void vi.unstubAllGlobals());

/** A client without an `error` listener, one of whose listeners fails. */
async function failInListener(error: unknown): Promise<void> {
  const gateway = new FakeGateway();
  const client = createClient({ url: 'wss://a', token: 'ann', WebSocket: gateway.WebSocket });
  client.on('state', ({ status }) => {
    if (status === 'connected') throw error;
  });
  client.connect();
  await gateway.settled();
  client.close();
}

describe('an error that nobody listens to', () => {
  it('goes to the page, which shows it as any other error', async () => {
    const reportError = vi.fn();
    vi.stubGlobal('reportError', reportError);
    const error = new Error('listener');
    await failInListener(error);
    expect(reportError.mock.calls).toEqual([[error]]);
  });

  it('is a warning of Node, which goes on', async () => {
    const warnings: unknown[] = [];
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warnings.push(warning));
    await failInListener('just a text');
    emitWarning.mockRestore();
    expect(warnings).toEqual(['just a text']);
  });
});
