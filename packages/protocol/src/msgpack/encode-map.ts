/** The maps that the library writes: what is undefined left out, and text that is no Unicode as PR-131 has it. */
import { encode } from '@msgpack/msgpack';

const OPTIONS = { ignoreUndefined: true } as const;
/** With `u`, halves of pairs alone. */
const LONE_SURROGATE = /\p{Surrogate}/gu;

export function encodeMap(message: object): Uint8Array<ArrayBuffer> {
  return encode(wellFormed(message), OPTIONS);
}

/** The library writes halves of surrogate pairs as bytes that are not UTF-8. */
function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.replace(LONE_SURROGATE, '\ufffd');
  if (Array.isArray(value)) return value.map(wellFormed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map((member) => member.map(wellFormed)));
}
