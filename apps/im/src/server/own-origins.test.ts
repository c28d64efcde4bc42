import { expect, it } from 'vitest';
import { isLoopbackHost, originOf, ownOrigins, reachableHosts } from './own-origins.js';

it('knows which addresses only this host can reach', () => {
  expect(['127.0.0.1', '127.9.9.9', 'localhost', '::1'].every(isLoopbackHost)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example.org', 'localhost.example.org'].some(isLoopbackHost)).toBe(
    false,
  );
});

it('writes origins as browsers do', () => {
  expect(originOf('127.0.0.1', 8080)).toBe('http://127.0.0.1:8080');
  expect(originOf('::1', 8080)).toBe('http://[::1]:8080');
  expect(originOf('localhost', 80)).toBe('http://localhost');
});

it('takes the page of this server under all its names, the one it listens on first', () => {
  expect(ownOrigins('localhost', 1)).toEqual(['http://localhost:1', 'http://127.0.0.1:1', 'http://[::1]:1']);
  expect(ownOrigins('192.0.2.7', 1)).toEqual(['http://192.0.2.7:1']);
  expect(reachableHosts('0.0.0.0').slice(0, 3)).toEqual(['127.0.0.1', 'localhost', '::1']);
});
