/** What every push client promises, as a vitest suite that each of them runs. Needs vitest where it is imported. */
import { describe } from 'vitest';
import type { PushClient } from '../push-client.js';
import { describeProducts } from './contract/products.js';
import { describePushing } from './contract/pushing.js';
import { describeReceipts } from './contract/receipts.js';
import { describeRefusing } from './contract/refusing.js';
import { type PushClientSetup, useSetting } from './contract/setting.js';

/** @param open makes a client of its own for each test, which the suite closes; what it stands on is closed with it */
export function describePushClientContract(name: string, open: (setup: PushClientSetup) => Promise<PushClient>): void {
  describe(`push client contract: ${name}`, () => {
    const setting = useSetting(open);
    describePushing(setting);
    describeProducts(setting);
    describeRefusing(setting);
    describeReceipts(setting);
  });
}
