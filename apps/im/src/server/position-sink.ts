/** Owns: where gateways tell how far devices have read: the service `receipt` of the workers. */
import type { PositionSink } from '@im/gateway';
import { createServiceClient, type RpcCaller } from '@im/rpc';
import { receiptDefinition } from '@im/workers';

/** @param caller stays yours to close */
export function createPositionSink(caller: RpcCaller): PositionSink {
  const receipts = createServiceClient(receiptDefinition, caller);
  return {
    // Rooms have no receipts.
    kinds: ['u', 'd', 'g'],
    async moved(positions) {
      await receipts.$positions({ positions: [...positions] });
    },
  };
}
