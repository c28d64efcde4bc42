/** Owns: the keys of a broadcast node, and whom they let in: those whom brokers let in. */
import { createGuardedContext, type GuardedContext } from '@im/rpc/zeromq';
import { readBrokerKeys } from '../rpc/key-files.js';

export interface GuardedNode extends Partial<Pick<GuardedContext, 'context'>> {
  readonly keys?: { readonly secretKey: string };
  close(): void;
}

/** @param keysFolder undefined: nobody is asked for keys @throws CommandError */
export async function guardNode(keysFolder: string | undefined): Promise<GuardedNode> {
  if (keysFolder === undefined) return { close: () => {} };
  const { secretKey, allowed } = await readBrokerKeys(keysFolder);
  return { keys: { secretKey }, ...(await createGuardedContext(allowed)) };
}
