/**
 * Whether a client's offer of permessage-deflate (RFC 7692, section 7.1) is taken. Only without context from message to
 * message, in both directions: then no connection keeps a window, and one compressed chunk serves all. Pure.
 */

export interface DeflateTerms {
  /** The window that the client inflates with, as a power of two: 9 to 15. */
  readonly windowBits: number;
  /** The `Sec-WebSocket-Extensions` of the answer. */
  readonly header: string;
}

const MAX_WINDOW_BITS = 15;
/** zlib makes no raw deflate with less. */
const MIN_WINDOW_BITS = 9;
const ANSWER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

/** What each parameter may be, its value included. */
const PARAMETERS: Readonly<Record<string, RegExp>> = {
  server_no_context_takeover: /^$/,
  client_no_context_takeover: /^$/,
  server_max_window_bits: /^([89]|1[0-5])$/,
  client_max_window_bits: /^([89]|1[0-5])?$/,
};

/**
 * The first offer that can be taken; undefined when there is none, which is no reason to refuse the connection.
 * @param offers the request's `Sec-WebSocket-Extensions`
 */
export function takeDeflateOffer(offers = ''): DeflateTerms | undefined {
  for (const offer of offers.split(',')) {
    const terms = readOffer(offer);
    if (terms !== undefined) return terms;
  }
  return undefined;
}

function readOffer(offer: string): DeflateTerms | undefined {
  const [name, ...parameters] = offer.split(';').map((part) => part.trim());
  if (name !== 'permessage-deflate') return undefined;
  const seen = new Map<string, string>();
  for (const parameter of parameters) {
    const [, key = '', value = ''] = /^([a-z_]+)(?:\s*=\s*"?(\d+)"?)?$/.exec(parameter) ?? [];
    if (!Object.hasOwn(PARAMETERS, key) || !PARAMETERS[key]?.test(value) || seen.has(key)) return undefined;
    seen.set(key, value);
  }
  const asked = seen.get('server_max_window_bits');
  const windowBits = Number(asked ?? MAX_WINDOW_BITS);
  if (windowBits < MIN_WINDOW_BITS) return undefined;
  return { windowBits, header: asked === undefined ? ANSWER : `${ANSWER}; server_max_window_bits=${windowBits}` };
}
