/** Whose address a request comes from, behind proxies that are trusted to say so. Pure. */
import { BlockList, isIP } from 'node:net';
import { ImError } from '@im/protocol';

/** @throws ImError CONFIG_INVALID naming every mistake */
export function proxyList(proxies: readonly string[]): BlockList {
  const mistakes = proxyMistakes(proxies);
  if (mistakes.length > 0) throw new ImError('CONFIG_INVALID', { message: mistakes.join('; '), details: { mistakes } });
  const list = new BlockList();
  for (const proxy of proxies) addProxy(list, proxy);
  return list;
}

/** What is wrong with a list of proxies, a line each. */
export function proxyMistakes(proxies: readonly string[]): string[] {
  const unreadable = proxies.filter((proxy) => !addProxy(new BlockList(), proxy));
  return unreadable.map((proxy) => `trustedProxies: ${JSON.stringify(proxy)} is no address or CIDR range`);
}

/** @returns false for what is neither address nor range */
function addProxy(list: BlockList, proxy: string): boolean {
  const [address = '', prefix, ...rest] = proxy.split('/');
  const family = familyOf(address);
  if (!family || rest.length > 0) return false;
  try {
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
    return true;
  } catch {
    return false;
  }
}

/**
 * The nearest address that is no trusted proxy: the peer itself, or, as long as trusted proxies stand between, what they say
 * in X-Forwarded-For, read from its end. What stands before an untrusted or unreadable entry could be anybody's invention.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | undefined, trusted: BlockList): string {
  let address = unmapped(peer ?? '');
  // As it is without proxies: nothing to look up.
  if (forwardedFor === undefined) return address;
  const forwarded = forwardedFor.split(',');
  while (isTrusted(address, trusted)) {
    const next = unmapped(forwarded.pop()?.trim() ?? '');
    // A zone is of use on its own host only, and may be of any length.
    if (!isIP(next) || next.includes('%')) break;
    address = next;
  }
  return address;
}

function isTrusted(address: string, trusted: BlockList): boolean {
  const family = familyOf(address);
  return family !== undefined && trusted.check(address, family);
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  const version = isIP(address);
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : undefined;
}

/** IPv4 addresses as IPv6 sockets show them, in their own form. */
function unmapped(address: string): string {
  return address.toLowerCase().startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address;
}
