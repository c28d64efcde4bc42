/**
 * Whether a client's offer of permessage-deflate (RFC 7692, section 7.1) is taken. Only without context from message to
 * message, in both directions, and with the largest window: then no connection keeps one, and one compressed chunk serves all. Pure.
 */

const ANSWER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

/** What each parameter may be, its value included. */
const PARAMETERS: Readonly<Record<string, RegExp>> = {
  server_no_context_takeover: /^$/,
  client_no_context_takeover: /^$/,
  // A smaller one would be one more encoding of everything, for whoever asks for it.
  server_max_window_bits: /^15$/,
  client_max_window_bits: /^([89]|1[0-5])?$/,
};

/**
 * The first offer that can be taken; undefined when there is none, which is no reason to refuse the connection.
 * @param offers the request's `Sec-WebSocket-Extensions`
 * @returns that of the answer
 */
export function takeDeflateOffer(offers = ''): string | undefined {
  for (const offer of offers.split(',')) {
    const answer = answerTo(offer);
    if (answer !== undefined) return answer;
  }
  return undefined;
}

function answerTo(offer: string): string | undefined {
  const [name, ...parameters] = offer.split(';').map((part) => part.trim());
  if (name !== 'permessage-deflate') return undefined;
  const seen = new Set<string>();
  for (const parameter of parameters) {
    const [, key = '', value = ''] = /^([a-z_]+)(?:\s*=\s*"?(\d+)"?)?$/.exec(parameter) ?? [];
    if (!Object.hasOwn(PARAMETERS, key) || !PARAMETERS[key]?.test(value) || seen.has(key)) return undefined;
    seen.add(key);
  }
  return seen.has('server_max_window_bits') ? `${ANSWER}; server_max_window_bits=15` : ANSWER;
}
