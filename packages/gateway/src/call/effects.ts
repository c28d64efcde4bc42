/**
 * Effects as workers write them into reply headers, checked: workers are trusted to decide, not to be free of mistakes.
 * Pure.
 */
import { type Effect, EVERYONE, isGroupId } from '@im/protocol';

/** Most effects of one reply. */
const MAX_EFFECTS = 64;

const ATTRIBUTE_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;
const MAX_REASON_LENGTH = 100;

/** A sentence about the first mistake. */
export class EffectsMistake {
  constructor(readonly mistake: string) {}
}

/** The effects of a reply header, in order; undefined in the header means none. */
export function readEffects(header: unknown): readonly Effect[] | EffectsMistake {
  if (header === undefined) return [];
  if (!Array.isArray(header)) return new EffectsMistake('effects is not an array');
  if (header.length > MAX_EFFECTS) return new EffectsMistake(`more than ${MAX_EFFECTS} effects`);
  const effects: Effect[] = [];
  for (const value of header as unknown[]) {
    const effect = readEffect(value);
    if (effect instanceof EffectsMistake) return effect;
    effects.push(effect);
  }
  return effects;
}

/** A single effect, as the body of a `$kick` message holds one. */
export function readEffect(value: unknown): Effect | EffectsMistake {
  if (typeof value !== 'object' || value === null) return new EffectsMistake('an effect is not an object');
  const { type, group, after, code, reason, attributes } = value as Record<string, unknown>;
  switch (type) {
    case 'join':
      if (!isJoinable(group)) return notAGroup(type, group);
      if (after === undefined) return { type, group };
      if (!Number.isSafeInteger(after) || (after as number) < 0)
        return new EffectsMistake('join: after is not a version from 0');
      return { type, group, after: after as number };
    case 'leave':
      return isJoinable(group) ? { type, group } : notAGroup(type, group);
    case 'kick':
      if (group !== undefined && !isJoinable(group)) return notAGroup(type, group);
      if (!Number.isSafeInteger(code) || (code as number) < 1)
        return new EffectsMistake('kick: code is not a number from 1');
      if (typeof reason !== 'string' || reason.length > MAX_REASON_LENGTH) {
        return new EffectsMistake(`kick: reason is not a text of at most ${MAX_REASON_LENGTH} characters`);
      }
      return { type, code: code as number, reason, ...(group !== undefined && { group }) };
    case 'set':
      return readSet(attributes);
    default:
      return new EffectsMistake(`unknown effect ${JSON.stringify(type)?.slice(0, 40)}`);
  }
}

function readSet(attributes: unknown): Effect | EffectsMistake {
  if (typeof attributes !== 'object' || attributes === null || Array.isArray(attributes)) {
    return new EffectsMistake('set: attributes is not an object');
  }
  for (const [name, value] of Object.entries(attributes)) {
    if (!ATTRIBUTE_NAME.test(name)) return new EffectsMistake('set: a name is not [A-Za-z][A-Za-z0-9_-]{0,63}');
    const fits = value === null || ['string', 'boolean'].includes(typeof value) || Number.isFinite(value);
    if (!fits) return new EffectsMistake(`set: ${name} is neither text, number, boolean nor null`);
  }
  return { type: 'set', attributes: attributes as Extract<Effect, { type: 'set' }>['attributes'] };
}

/** The product is the gateway's to add (PR-61); `u:` and `r:0` last as long as the connection (PR-39). */
function isJoinable(group: unknown): group is string {
  return (
    typeof group === 'string' &&
    isGroupId(group) &&
    !group.includes('/') &&
    !group.startsWith('u:') &&
    group !== EVERYONE
  );
}

function notAGroup(type: string, group: unknown): EffectsMistake {
  return new EffectsMistake(
    `${type}: ${JSON.stringify(group)?.slice(0, 100)} is no group that can be joined and left (no product, not u:, not r:0)`,
  );
}
