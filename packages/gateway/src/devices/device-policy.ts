/** How many connections a user may have at once, by product: the rule alone. Must not know connections. */

/** `all`: as many as they like. `platform`: one on each platform. `one`: one. */
export type DevicePolicy = 'all' | 'platform' | 'one';

export const DEVICE_POLICIES: readonly DevicePolicy[] = ['all', 'platform', 'one'];

/** What a session takes of the room that its user has. */
export interface Place {
  readonly id: string;
  readonly platform: string;
}

export interface Contender extends Place {
  /** When it signed in, in milliseconds since 1970: a resumed session keeps its time. */
  readonly begunAt: number;
}

/** Whether the policy has room for one of the two only. */
export function exclude(policy: DevicePolicy, a: Place, b: Place): boolean {
  if (a.id === b.id || policy === 'all') return false;
  return policy === 'one' || a.platform === b.platform;
}

/** Which of two stays: all gateways say the same, whatever they hear first. */
export function isNewer(a: Contender, b: Contender): boolean {
  return a.begunAt === b.begunAt ? a.id > b.id : a.begunAt > b.begunAt;
}
