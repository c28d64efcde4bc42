/** Owns: who is told of messages for people who are not connected, as the settings say. */
import type { UserReader } from '@im/gateway';
import type { Clock } from '@im/protocol/ports';
import type { RpcCaller } from '@im/rpc';
import { type Config, ConfigError, type Settings, setting } from '@im/runtime';
import type { OfflineSink, WorkersOptions } from '@im/workers';
import { z } from 'zod';
import type { OpenBus } from '../bus/open-bus.js';

export const offlineSettings = {
  offlineUrl: setting(
    z
      .url({ protocol: /^https?$/ })
      .refine(hasNoUser, 'a URL without user and password')
      .optional(),
    {
      description: 'tell this URL of messages for people who are not connected, signed with IM_OFFLINE_SECRET',
      placeholder: 'url',
    },
  ),
  offlineSecret: setting(z.string().min(32).optional(), {
    description: 'signs what that URL is told',
    secret: true,
  }),
  offlineService: setting(
    z
      .string()
      .regex(/^[a-zA-Z][A-Za-z0-9_-]{0,63}$/)
      .optional(),
    {
      description: 'tell this service of them, by its method $offline',
      placeholder: 'name',
    },
  ),
  offlinePreview: setting(z.boolean().default(false), {
    description: 'tell them the beginning of the text, too',
  }),
} satisfies Settings;

export type OfflineConfig = Config<typeof offlineSettings>;

/** No request can be made to a URL that has one. */
function hasNoUser(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { username, password } = new URL(url);
  return username === '' && password === '';
}

/** @throws ConfigError for a URL without secret */
export function checkOffline({ offlineUrl, offlineSecret }: OfflineConfig): void {
  if (offlineUrl === undefined || offlineSecret !== undefined) return;
  throw new ConfigError([
    { path: 'offlineUrl', expected: 'IM_OFFLINE_SECRET as well: without it nobody knows who tells that URL' },
  ]);
}

export interface OfflineSurroundings {
  /** Stays yours to close. */
  readonly caller: RpcCaller;
  readonly users: UserReader;
  /** This cell's: what is to be told is kept there. */
  readonly bus: OpenBus;
  readonly clock: Clock;
}

/** Undefined: nobody is told. @throws ConfigError */
export async function openOfflineSinks(
  config: OfflineConfig,
  { caller, users, bus, clock }: OfflineSurroundings,
): Promise<WorkersOptions['offline']> {
  checkOffline(config);
  const { offlineUrl: url, offlineSecret: secret, offlineService: service, offlinePreview: preview } = config;
  const { createOfflineServiceSink, createWebhook } = await import('@im/workers');
  const sinks: OfflineSink[] = [];
  if (url !== undefined && secret !== undefined) sinks.push(createWebhook({ url, secret, clock }));
  if (service !== undefined) sinks.push(createOfflineServiceSink({ caller, service }));
  if (sinks.length === 0) return undefined;
  const { broadcast, log, records } = bus;
  return { users, sinks, preview, outbox: { publisher: broadcast.createPublisher(), log, records } };
}
