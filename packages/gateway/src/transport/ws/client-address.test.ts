import { describe, expect, it } from 'vitest';
import { clientAddress, proxyList } from './client-address.js';

const trusted = proxyList(['10.0.0.0/8', '192.0.2.1', 'fd00::/8']);

describe('clientAddress', () => {
  it.each([
    ['the peer, when it is no proxy', '203.0.113.9', '198.51.100.1', '203.0.113.9'],
    ['what a trusted proxy says', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    ['the nearest address that is no proxy', '10.1.2.3', '6.6.6.6, 198.51.100.1, 10.9.9.9, 192.0.2.1', '198.51.100.1'],
    ['the last proxy, when all are trusted', '10.1.2.3', '10.4.5.6', '10.4.5.6'],
    ['the proxy, when it says nothing', '10.1.2.3', undefined, '10.1.2.3'],
    ['the proxy, when it says nonsense', '10.1.2.3', 'unknown', '10.1.2.3'],
    ['nothing before nonsense', '10.1.2.3', '198.51.100.1, _hidden, 10.9.9.9', '10.9.9.9'],
    ['nothing with a zone, however long', '10.1.2.3', `fe80::1%${'a'.repeat(9_000)}`, '10.1.2.3'],
    ['IPv4 in its own form', '::ffff:10.1.2.3', '::FFFF:198.51.100.1', '198.51.100.1'],
    ['IPv6', 'fd00::1', '2001:db8::7', '2001:db8::7'],
    ['nothing, when the peer is gone already', undefined, '198.51.100.1', ''],
  ])('gives %s', (_case, peer, forwarded, expected) => {
    expect(clientAddress(peer, forwarded, trusted)).toBe(expected);
  });

  it('believes nobody unless told to', () => {
    expect(clientAddress('127.0.0.1', '198.51.100.1', proxyList([]))).toBe('127.0.0.1');
  });

  it.each(['proxy.example.org', '10.0.0.0/33', '10.0.0.0/8/8', '', '10.0.0.0/x'])('refuses %j as a proxy', (proxy) => {
    expect(() => proxyList([proxy])).toThrow(expect.objectContaining({ name: 'CONFIG_INVALID' }));
  });
});
