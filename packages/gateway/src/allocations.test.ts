// What connections must not cost, counted: figures are in bench/.
import { afterEach, expect, it, vi } from 'vitest';
import { GatewayFixture } from './testing/index.js';

afterEach(() => vi.unstubAllGlobals());

it('lets people in and forwards their calls without an AbortController for each [decision 35]', async () => {
  const fixture = await new GatewayFixture().serve();
  const made = vi.fn();
  vi.stubGlobal(
    'AbortController',
    class extends AbortController {
      constructor() {
        super();
        made();
      }
    },
  );
  for (let i = 0; i < 5; i++) {
    const link = await fixture.enter(`user-${i}`);
    link.say({ type: 'call', id: 2, method: 'test.echo', data: i });
    expect(await link.answerTo(2)).toEqual({ type: 'reply', id: 2, data: i });
  }
  expect(made).not.toHaveBeenCalled();
  await fixture.close();
});
