/** Owns: making anything fit to be written in a log: bounded, without cycles, errors with their causes. */

const MAX_TEXT = 8_192;
const MAX_DEPTH = 6;
const MAX_ITEMS = 100;

/** A JSON value that stands for the given one; never throws, whatever getters and `toJSON` do. */
export function plainValue(value: unknown, depth = 0, parents: readonly object[] = []): unknown {
  switch (typeof value) {
    case 'string':
      return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}… (${value.length} characters)` : value;
    case 'number':
      return Number.isFinite(value) ? value : String(value);
    case 'boolean':
      return value;
    case 'bigint':
    case 'symbol':
      return String(value);
    case 'object':
      return value === null ? null : plainObject(value, depth, parents);
    default:
      return undefined;
  }
}

function plainObject(value: object, depth: number, parents: readonly object[]): unknown {
  if (parents.includes(value)) return '[circular]';
  if (depth >= MAX_DEPTH) return '[deep]';
  const within = [...parents, value];
  try {
    if (value instanceof Error) return plainError(value, depth, within);
    if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
    if (value instanceof Date) return value.toISOString();
    if (value instanceof Map) return plainObject(Object.fromEntries(value), depth, parents);
    if (Array.isArray(value) || value instanceof Set) {
      return [...value].slice(0, MAX_ITEMS).map((item) => plainValue(item, depth + 1, within) ?? null);
    }
    const entries = Object.entries(value).slice(0, MAX_ITEMS);
    return Object.fromEntries(entries.map(([key, item]) => [key, plainValue(item, depth + 1, within)]));
  } catch (error) {
    return `[unreadable: ${error instanceof Error ? error.message : 'it throws'}]`;
  }
}

function plainError(error: Error, depth: number, within: readonly object[]): Record<string, unknown> {
  const { name, message, stack, cause } = error;
  const own = Object.entries(error).filter(([key]) => !['name', 'message', 'stack', 'cause'].includes(key));
  return {
    name,
    message: plainValue(message),
    ...Object.fromEntries(own.map(([key, item]) => [key, plainValue(item, depth + 1, within)])),
    stack: plainValue(stack),
    ...(cause !== undefined && { cause: plainValue(cause, depth + 1, within) }),
  };
}
