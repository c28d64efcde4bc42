/** Ids that many processes take from one Redis, while they are killed. */
import { seededRandom } from '@im/protocol/testing';
import { hasRedisServer, type RedisServer, startRedisServer } from '@im/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { useProgram } from '../fixtures/program.js';

const PROCESSES = 8;
const LIVES = 3;

describe.skipIf(!hasRedisServer)('ids of eight processes that are killed at random', () => {
  const start = useProgram(new URL('./fixtures/take-ids-until-killed.ts', import.meta.url));
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedisServer();
  });
  afterAll(() => server.stop());

  it('are never given twice, and grow in each process', async () => {
    const random = seededRandom(25);
    const given = new Set<string>();
    let taken = 0;

    async function live(): Promise<void> {
      // Small segments: many are taken, by many at a time, and left unused.
      const program = await start({}, server.url, '64');
      let left = 1 + Math.floor(random() * 1_000);
      let killed: Promise<void> | undefined;
      let last = 0n;
      for await (const line of program.lines) {
        expect(line).toMatch(/^[1-9]\d{0,18}$/);
        expect(BigInt(line)).toBeGreaterThan(last);
        last = BigInt(line);
        given.add(line);
        taken += 1;
        left -= 1;
        if (left === 0) killed = program.kill();
      }
      await killed;
      expect(left, 'ended before it was killed').toBeLessThanOrEqual(0);
    }

    await Promise.all(
      Array.from({ length: PROCESSES }, async () => {
        for (let life = 0; life < LIVES; life += 1) await live();
      }),
    );
    expect(given.size).toBe(taken);
    expect(taken).toBeGreaterThan(PROCESSES * LIVES * 64);
  }, 120_000);
});
