import type { Delivery } from '@im/protocol';
import { RecordingLogger } from '@im/protocol/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Surroundings } from '../surroundings.js';
import { GatewayFixture } from '../testing/index.js';
import { obeyTakeover } from './takeover.js';

function setUp() {
  const closed: string[] = [];
  const logger = new RecordingLogger();
  const held = { userGroup: 'u:ann', sequence: 5, holder: { close: (name: string) => closed.push(name) } };
  const sessions = { holding: (id: unknown) => (id === 's_1' ? held : undefined) };
  const obey = (body: Uint8Array, group = 'u:ann'): void =>
    obeyTakeover({ group, body } as Delivery, { sessions, logger } as unknown as Surroundings);
  return { closed, logger, obey };
}

const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value) ?? '', 'utf8');

describe('obeyTakeover', () => {
  it('closes the earlier connection of the session, and no other [PR-103]', () => {
    const { closed, obey } = setUp();
    obey(json({ session: 's_2', sequence: 6 }));
    obey(json({ session: 's_1', sequence: 5 }));
    obey(json({ session: 's_1', sequence: 6 }), 'u:bob');
    expect(closed).toEqual([]);
    obey(json({ session: 's_1', sequence: 6 }));
    expect(closed).toEqual(['SESSION_TAKEN_OVER']);
  });

  it('ignores whatever no gateway wrote, with a line in the log', () => {
    const value = fc.oneof(fc.constantFrom('s_1', 6, null, true, 1e300, 6.5, '6'), fc.jsonValue({ maxDepth: 1 }));
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.jsonValue().map(json),
      fc.record({ session: value, sequence: value }, { requiredKeys: [] }).map(json),
      fc
        .constantFrom('null', '1', '"s_1"', '[]', '{}', '{"session":null,"sequence":9}')
        .map((text) => Buffer.from(text)),
    );
    fc.assert(
      fc.property(body, (bytes) => {
        const { closed, logger, obey } = setUp();
        obey(bytes);
        const text = Buffer.from(bytes).toString('utf8');
        const meant = /"session":"[^"]*"/.test(text) && /"sequence":-?\d/.test(text);
        if (!meant) expect([closed, logger.records.length]).toEqual([[], 1]);
        if (closed.length > 0) expect(JSON.parse(text)).toMatchObject({ session: 's_1', sequence: expect.any(Number) });
      }),
      { numRuns: 1_000 },
    );
  });

  it('leaves the gateway and its clients alone when the bus brings one with the body null', async () => {
    const fixture = await new GatewayFixture().serve();
    const ann = await fixture.enter('ann');
    const publication = { lane: 'normal', event: '$takeover', body: Buffer.from('null'), time: 0 } as const;
    await fixture.publisher.publish('u:ann', publication);
    await fixture.chat('u:ann', 'after');
    await ann.until('push', ({ data }) => data === 'after');
    expect(ann.all('push')).toHaveLength(1);
    expect(fixture.logger.records).toMatchObject([{ level: 'warn', message: 'a takeover is not readable' }]);
    await fixture.close();
  });
});
