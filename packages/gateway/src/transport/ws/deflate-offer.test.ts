import { describe, expect, it } from 'vitest';
import { takeDeflateOffer } from './deflate-offer.js';

const ANSWER = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover';

describe('an offer of permessage-deflate', () => {
  it.each([
    ['permessage-deflate', ANSWER],
    ['permessage-deflate; client_max_window_bits', ANSWER],
    ['permessage-deflate;client_max_window_bits=10 ; client_no_context_takeover', ANSWER],
    ['permessage-deflate; server_no_context_takeover', ANSWER],
    ['permessage-deflate; server_max_window_bits="15"', `${ANSWER}; server_max_window_bits=15`],
    ['x-webkit-deflate-frame, permessage-deflate', ANSWER],
    ['permessage-deflate; server_max_window_bits=10, permessage-deflate', ANSWER],
  ])('%s is taken without context in either direction', (offers, answer) => {
    expect(takeDeflateOffer(offers)).toBe(answer);
  });

  it.each([
    [undefined],
    [''],
    ['permessage-bzip'],
    ['permessage-deflate; mood=good'],
    ['permessage-deflate; server_max_window_bits'],
    ['permessage-deflate; server_max_window_bits=8'],
    ['permessage-deflate; server_max_window_bits=14'],
    ['permessage-deflate; server_max_window_bits=16'],
    ['permessage-deflate; server_max_window_bits=010'],
    ['permessage-deflate; client_max_window_bits=0'],
    ['permessage-deflate; server_no_context_takeover=1'],
    ['permessage-deflate; client_no_context_takeover; client_no_context_takeover'],
    ['permessage-deflate; toString'],
    ['permessage-deflate;'],
    ['permessage-deflate; ="'],
    [';,=,,"'],
  ])('%j is not taken', (offers) => {
    expect(takeDeflateOffer(offers)).toBeUndefined();
  });
});
