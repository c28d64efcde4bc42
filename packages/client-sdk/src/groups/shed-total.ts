/** The account of normal messages that this client was not sent. */
import type { Shed } from '@im/protocol';

/** Those that were counted, by reason, and `unknown`; absent: none. Other reasons may come. Goes on counting: copy what is to stay. */
export interface ShedTotal {
  /** This client was slow. */
  readonly pressure?: number;
  /** The room had too many. */
  readonly budget?: number;
  /** Lost before the gateway. */
  readonly upstream?: number;
  readonly disconnected?: number;
  /** How often nobody could say how many: after each reconnect, for one. */
  readonly unknown?: number;
}

export function addShed(total: Record<string, number>, { reason, count }: Pick<Shed, 'reason' | 'count'>): void {
  const kind = count ? reason : 'unknown';
  total[kind] = (total[kind] ?? 0) + (count ?? 1);
}
