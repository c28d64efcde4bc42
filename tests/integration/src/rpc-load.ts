/** Calls at a steady rate where the machine allows it, straight at the brokers of `im up`, and what became of them. */
import type { CallOptions, RpcCaller } from '@im/rpc';
import { createZeromqRpc } from '@im/rpc/zeromq';

export function connectTo(brokers: readonly string[]) {
  const rpc = createZeromqRpc({
    brokers: brokers.map((name) => ({ callers: `${name}.callers`, workers: `${name}.workers` })),
  });
  return { caller: rpc.createCaller(), close: () => rpc.close() };
}

export interface LoadCall {
  readonly service: string;
  readonly method: string;
  readonly body: Uint8Array;
  readonly options?: CallOptions;
}

export interface LoadOutcome {
  readonly done: number;
  /** Names of errors, each as often as it came. */
  readonly failed: readonly string[];
}

const STEP_MS = 5;
/** On a busy machine the rate falls instead of calls being refused: fewer than brokers let wait in front of a service. */
const MAX_OPEN = 1_000;

/** @param next makes the call of this number @returns ends the load once all its calls have an answer */
export function load(
  caller: RpcCaller,
  perSecond: number,
  next: (count: number) => LoadCall,
): () => Promise<LoadOutcome> {
  const open = new Set<Promise<void>>();
  const failed: string[] = [];
  let [begun, done] = [0, 0];
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) / 1_000) * perSecond;
    while (begun < due && open.size < MAX_OPEN) {
      const { service, method, body, options } = next(begun);
      begun += 1;
      const call: Promise<void> = caller
        .call(service, method, body, options)
        .then(
          () => {
            done += 1;
          },
          (error: Error) => void failed.push(error.name),
        )
        .finally(() => open.delete(call));
      open.add(call);
    }
  }, STEP_MS);
  return async () => {
    clearInterval(timer);
    await Promise.all(open);
    return { done, failed };
  };
}
