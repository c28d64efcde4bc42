import { ConfigError, readConfig } from '@im/runtime';
import { expect, it } from 'vitest';
import { offlineSettings } from './offline-sinks.js';

const urlOf = (url: string) =>
  readConfig(offlineSettings, { arguments: ['--offline-url', url], environment: {} }).offlineUrl;

it('refuses a URL with a user or a password, which no request can be made to', () => {
  expect(urlOf('https://example.org/offline?for=us')).toBe('https://example.org/offline?for=us');
  for (const url of ['https://user:pass@example.org/', 'https://user@example.org/', 'nothing'])
    expect(() => urlOf(url)).toThrow(ConfigError);
});
