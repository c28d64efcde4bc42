/** Owns: a node that leaves while others stay: who is sent to it turns to those before it ends. */
import { BROADCAST_ROLE } from '@im/cluster';
import type { ClusterMember } from '@im/cluster/zeromq';
import type { Clock } from '@im/protocol/ports';

export interface Leaving {
  readonly member: Pick<ClusterMember, 'current' | 'subscribe' | 'setDraining'>;
  readonly id: string;
  readonly clock: Clock;
}

/** Managers gather changes for a second. */
const TOLD_MS = 3_000;
/** Others hear of the topology when this node does; so long may their last messages be on their way. */
const ON_THE_WAY_MS = 500;

/** Of a broadcast node. Settles when publishers know, at once where there is nobody to take over or to publish. */
export async function leaveTopology({ member, id, clock }: Leaving): Promise<void> {
  const others = member.current.nodes.filter((node) => node.id !== id && !node.draining);
  const isTakenOver = others.some(({ role }) => role === BROADCAST_ROLE);
  const isUsed = others.some(({ role }) => role === 'gateway' || role === 'worker');
  if (isTakenOver && isUsed) await announceDraining({ member, id, clock });
}

/** The node wants nobody new. Settles when everybody knows, or managers had time enough to tell. */
export async function announceDraining({ member, id, clock }: Leaving): Promise<void> {
  let forget = (): void => {};
  await new Promise<void>((resolve) => {
    const late = clock.after(TOLD_MS, resolve);
    const end = member.subscribe(({ nodes }) => {
      if (nodes.some((node) => node.id === id && node.draining)) resolve();
    });
    forget = () => {
      late.cancel();
      end();
    };
    member.setDraining(true);
  });
  forget();
  await new Promise<void>((resolve) => clock.after(ON_THE_WAY_MS, resolve));
}
