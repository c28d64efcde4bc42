/** Whose address a request comes from, behind proxies that are trusted to say so. Pure. */
import { BlockList, isIP } from 'node:net';
import { ImError } from '@im/protocol';

/** @throws ImError CONFIG_INVALID */
export function proxyList(proxies: readonly string[]): BlockList {
  const list = new BlockList();
  for (const proxy of proxies) {
    const [address = '', prefix, ...rest] = proxy.split('/');
    const family = familyOf(address);
    const bits = prefix === undefined ? undefined : Number(prefix);
    try {
      if (!family || rest.length > 0) throw new TypeError('no address');
      if (bits === undefined) list.addAddress(address, family);
      else list.addSubnet(address, bits, family);
    } catch (cause) {
      const mistake = `trustedProxies: ${JSON.stringify(proxy)} is no address or CIDR range`;
      throw new ImError('CONFIG_INVALID', { message: mistake, details: { mistakes: [mistake] }, cause });
    }
  }
  return list;
}

/**
 * The nearest address that is no trusted proxy: the peer itself, or, as long as trusted proxies stand between, what they say
 * in X-Forwarded-For, read from its end. What stands before an untrusted or unreadable entry could be anybody's invention.
 */
export function clientAddress(peer: string | undefined, forwardedFor: string | undefined, trusted: BlockList): string {
  let address = unmapped(peer ?? '');
  const forwarded = forwardedFor?.split(',') ?? [];
  while (isTrusted(address, trusted)) {
    const next = unmapped(forwarded.pop()?.trim() ?? '');
    if (!isIP(next)) break;
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
