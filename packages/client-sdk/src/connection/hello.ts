/** What a connection begins with: who connects, and what it had before. Pure. */
import type { Hello } from '@im/protocol';
import type { ClientOptions } from '../options.js';
import { CLIENT_NAME } from '../version.js';

/** The hello of a connection is its first command; ids of others begin after it. */
export const HELLO_ID = 1;

type Installation = Required<Pick<ClientOptions, 'device' | 'platform'>>;

/** @param before the ticket and the positions that a client has which was connected before; codecs leave out what has no value */
export const createHello = (
  { device, platform }: Installation,
  token: string,
  before: { readonly [Member in 'ticket' | 'positions']?: Hello[Member] | undefined },
): Hello => ({ type: 'hello', id: HELLO_ID, token, device, platform, client: CLIENT_NAME, ...before }) as Hello;
