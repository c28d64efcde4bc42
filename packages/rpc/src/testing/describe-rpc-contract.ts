/**
 * What every RPC engine promises, as tests. An engine is in order when the whole suite passes on it; each test also
 * proves that nothing is left when the engine is closed: no timer, no open call.
 */
import { afterEach, beforeEach, describe } from 'vitest';
import { bulkheadContract } from './contract/bulkheads.js';
import { callContract } from './contract/calls.js';
import { closingContract } from './contract/closing.js';
import { ContractFixture, type RpcFactory } from './contract/contract-fixture.js';
import { deadlineContract } from './contract/deadlines.js';
import { queueContract } from './contract/queues.js';
import { streamContract } from './contract/streams.js';

/** @param factory makes an engine with these options; it is closed by the suite */
export function describeRpcContract(name: string, factory: RpcFactory): void {
  describe(`rpc engine: ${name}`, () => {
    let fixture: ContractFixture;
    beforeEach(async () => {
      fixture = await new ContractFixture(factory).start();
    });
    afterEach(() => fixture.stop());

    describe('calls', () => callContract(() => fixture));
    describe('deadlines and cancellation', () => deadlineContract(() => fixture));
    describe('queues', () => queueContract(() => fixture));
    describe('streams', () => streamContract(() => fixture));
    describe('bulkheads', () => bulkheadContract(() => fixture));
    describe('draining and closing', () => closingContract(() => fixture));
  });
}
