import { hasRedisServer } from '@im/test-servers';
import { describe, expect, it } from 'vitest';
import { killGateway, killNode, killWorker, restartRedis } from '../disturbances.js';
import { runTalk } from './talk-run.js';

describe.skipIf(!hasRedisServer)('people who talk over a network that delays and cuts', () => {
  it('have every stored message once and in order in the end, on every device', async () => {
    const options = { people: 6, messages: 120, delayMs: [20, 150], cutEveryMs: 700, seed: 20_261_121 } as const;
    const { faults, faultCount, said, stored, delivered, reconnects, endings } = await runTalk(options);
    expect({ faultCount, faults }).toEqual({ faultCount: 0, faults: [] });
    expect({ said, stored }).toEqual({ said: 120, stored: 120 });
    // Two people at least have each, one of them on two devices or in a group.
    expect(delivered).toBeGreaterThan(240);
    expect(reconnects).toBeGreaterThan(0);
    expect(endings.flatMap((each) => Object.values(each)).reduce((sum, times) => sum + times, 0)).toBeGreaterThan(5);
  }, 240_000);

  it('lose nothing that was acknowledged when a worker, a gateway, a broadcast node and Redis are killed', async () => {
    const disturbances = [killWorker, killGateway, killNode, restartRedis];
    const network = { delayMs: [1, 5], cutEveryMs: Number.POSITIVE_INFINITY } as const;
    const options = { people: 5, messages: 50, ...network, disturbances, disturbEveryMs: 300, seed: 20_261_121 };
    const { faults, faultCount, said, stored } = await runTalk(options);
    expect({ faultCount, faults }).toEqual({ faultCount: 0, faults: [] });
    expect(stored).toBe(said);
  }, 240_000);
});
