/**
 * What every broadcast engine promises, as a vitest suite that each of them runs. Needs vitest where it is imported.
 * Names of tests are the contract; times run on a fake clock, network engines need only be given one.
 */
import { describe } from 'vitest';
import type { Broadcast } from '../broadcast.js';
import { describeDelivering } from './contract/delivering.js';
import { describeFailures } from './contract/failures.js';
import { describeHeadsAndClosing } from './contract/heads-and-closing.js';
import { describeManyGroups } from './contract/many-groups.js';
import { describeOrder } from './contract/order.js';
import { type BroadcastSetup, useSetting } from './contract/setting.js';
import { describeSubscriptions } from './contract/subscriptions.js';

/**
 * @param name of the engine
 * @param open makes a fresh one, which the suite closes
 */
export function describeBroadcastContract(name: string, open: (setup: BroadcastSetup) => Promise<Broadcast>): void {
  describe(`broadcast contract: ${name}`, () => {
    const setting = useSetting(open);
    describeDelivering(setting);
    describeOrder(setting);
    describeSubscriptions(setting);
    describeManyGroups(setting);
    describeFailures(setting);
    describeHeadsAndClosing(setting);
  });
}
