/** Reading fields of JSON that anybody may have sent. Whatever does not fit throws {@link Unfit}, which only decoders catch. */

export class Unfit extends Error {}

export type Fields = Readonly<Record<string, unknown>>;

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$/;
const MAX_RECORD_ENTRIES = 32;
const MAX_TEXT = 256;

/** @param bytes of bounded size @returns what `read` makes of them; undefined for what is not ours */
export function decode<Message>(bytes: Uint8Array, read: (fields: Fields) => Message): Message | undefined {
  try {
    return read(asFields(JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))));
  } catch (error) {
    if (error instanceof Unfit || error instanceof SyntaxError || error instanceof TypeError) return undefined;
    throw error;
  }
}

export function asFields(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw new Unfit();
  return value as Fields;
}

export function readList(value: unknown, max: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > max) throw new Unfit();
  return value;
}

/** A short word without spaces. */
export function readName(value: unknown): string {
  if (typeof value !== 'string' || !NAME.test(value)) throw new Unfit();
  return value;
}

export function readText(value: unknown): string {
  if (typeof value !== 'string' || value.length > MAX_TEXT) throw new Unfit();
  return value;
}

export function readBoolean(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Unfit();
  return value;
}

export function readNumber(value: unknown, min: number, max: number): number {
  if (typeof value !== 'number' || !(value >= min && value <= max)) throw new Unfit();
  return value;
}

export function readInteger(value: unknown, min: number, max: number): number {
  const number = readNumber(value, min, max);
  if (!Number.isSafeInteger(number)) throw new Unfit();
  return number;
}

export function readRecord<Value>(value: unknown, read: (value: unknown) => Value): Readonly<Record<string, Value>> {
  const entries = Object.entries(asFields(value));
  if (entries.length > MAX_RECORD_ENTRIES) throw new Unfit();
  return Object.fromEntries(entries.map(([name, one]) => [readName(name), read(one)]));
}
