/** Owns: what becomes of a gateway that was ordered to drain, by what its node manager knows. Pure. */
import type { DrainOrder, JournalEntry, ManagerStatus } from '@im/cluster';

export type DrainProgress =
  /** It has not obeyed yet, as far as its manager knows. */
  | { readonly kind: 'told' }
  /** `clients` are still there; undefined when it does not say. */
  | { readonly kind: 'draining'; readonly clients: number | undefined }
  | { readonly kind: 'gone' }
  /** Another run has taken its place. */
  | { readonly kind: 'back' }
  /** It did not get to say good bye. */
  | { readonly kind: 'died' }
  /** Somebody has ordered something else since. */
  | { readonly kind: 'overruled' };

export function progressOf(
  { order, id, incarnation }: DrainOrder,
  { nodes, orders }: Pick<ManagerStatus, 'nodes' | 'orders'>,
  journal: readonly JournalEntry[],
): DrainProgress {
  const status = nodes.find(({ node }) => node.id === id);
  if (status?.node.incarnation === incarnation) {
    if (orders.some((one) => one.id === id && one.order !== order)) return { kind: 'overruled' };
    return status.node.draining ? { kind: 'draining', clients: status.figures.connections } : { kind: 'told' };
  }
  const kinds = journal.filter((entry) => entry.id === id).map(({ kind }) => kind);
  const since = kinds.slice(kinds.lastIndexOf('ordered') + 1);
  const end = since.find((kind) => kind === 'left' || kind === 'died' || kind === 'restarted');
  // A manager that was started again meanwhile knows neither the order nor who was there: it hears of who is in a moment.
  if (status === undefined && end === undefined && !kinds.includes('ordered')) return { kind: 'told' };
  if (end !== 'left') return { kind: 'died' };
  return { kind: status === undefined ? 'gone' : 'back' };
}

/** The gateway that people mean: its id, or a part of it between dashes that no other has. @throws Error naming those there are */
export function gatewayNamed(name: string, { nodes }: Pick<ManagerStatus, 'nodes'>): string {
  const ids = nodes.filter(({ node }) => node.role === 'gateway').map(({ node }) => node.id);
  if (ids.includes(name)) return name;
  const [found, ...others] = ids.filter((id) => `-${id}-`.includes(`-${name}-`));
  if (found !== undefined && others.length === 0) return found;
  const known = ids.length === 0 ? 'there is none' : `there are ${ids.join(', ')}`;
  throw new Error(`${found === undefined ? 'no gateway' : 'more than one gateway'} is called ${name}: ${known}`);
}
