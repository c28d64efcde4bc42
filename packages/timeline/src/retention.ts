/**
 * What is kept of logs, by kind of group. Knows numbers only; every store trims in its own way.
 */
import { ImError } from '@im/protocol';
import { kindOf } from './group-kind.js';

/** What is kept of one log; whichever limit is reached first trims, but the newest entry stays until its age is reached. */
export interface Retention {
  readonly maxEntries: number;
  /** Of bodies. */
  readonly maxBytes: number;
  /** Since the append, by the store's clock. */
  readonly maxAgeMs: number;
}

export interface RetentionPolicy {
  /** For kinds that are not named. */
  readonly default: Retention;
  /** By kind of group: `r`, `u`, `d`, `g` … */
  readonly kinds?: Readonly<Record<string, Retention>>;
}

/**
 * Makes the function from group id to retention. Group ids are taken as valid.
 * @throws ImError CONFIG_INVALID naming all limits that are not positive integers
 */
export function retentionByGroup(policy: RetentionPolicy): (group: string) => Retention {
  const kinds = new Map(Object.entries(policy.kinds ?? {}));
  const mistakes = [['default', policy.default] as const, ...kinds].flatMap(([kind, retention]) =>
    (['maxEntries', 'maxBytes', 'maxAgeMs'] as const)
      .filter((limit) => !Number.isSafeInteger(retention[limit]) || retention[limit] < 1)
      .map((limit) => `retention of ${kind}: ${limit} must be a positive integer, not ${String(retention[limit])}`),
  );
  if (mistakes.length > 0) throw new ImError('CONFIG_INVALID', { message: mistakes[0], details: { mistakes } });
  if (kinds.size === 0) return () => policy.default;
  return (group) => kinds.get(kindOf(group)) ?? policy.default;
}
