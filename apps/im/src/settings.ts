/** The settings that several commands share. */
import type { DevicePolicy } from '@im/gateway';
import { isProduct } from '@im/protocol';
import { type Config, LOG_LEVELS, type Settings, setting } from '@im/runtime';
import { z } from 'zod';

export const dataFolder = setting(z.string().min(1).default('./.im'), {
  description: 'where messages and secrets are kept',
  flag: 'data',
  placeholder: 'folder',
});

export const processName = setting(z.string().min(1).max(64).optional(), {
  description: 'how its log calls it',
  placeholder: 'name',
});

export const redis = setting(
  z
    .url({ protocol: /^rediss?$/ })
    .describe('redis://host:port, or rediss://')
    .optional(),
  {
    description: 'logs, online lists and user register in this Redis, for several gateways and broadcast nodes',
    placeholder: 'url',
    sensitive: true,
  },
);

export const nats = setting(
  z
    .url({ protocol: /^(nats|tls)$/ })
    .describe('nats://host:port, or tls://')
    .optional(),
  {
    description: 'the NATS of --engine nats',
    placeholder: 'url',
    sensitive: true,
  },
);

export const engine = setting(z.enum(['zeromq', 'redis', 'nats']).default('zeromq'), {
  description: 'what carries messages between the processes: broadcast nodes (zeromq), a Redis, or a NATS',
});

export const drainSeconds = setting(z.int().min(0).max(3_600).default(10), {
  description: 'on SIGTERM clients move to other gateways within this time, if node managers know any',
  placeholder: 'seconds',
});

export const loggingSettings = {
  logLevel: setting(z.enum(LOG_LEVELS).default('info'), { description: 'the least important lines to log' }),
  json: setting(z.boolean().default(false), { description: 'log JSON lines, for machines' }),
} satisfies Settings;

const productToken = z
  .string()
  .refine((text) => isProduct(text.slice(0, Math.max(0, text.indexOf('=')))) && text.length - text.indexOf('=') > 16)
  .describe('product=token, the token of at least 16 characters');

const DEVICE_POLICIES: readonly DevicePolicy[] = ['all', 'platform', 'one'];

const devicePolicy = z
  .string()
  .refine((text) => {
    const [product, policy] = policyOf(text);
    return DEVICE_POLICIES.includes(policy) && (product === undefined || isProduct(product));
  })
  .describe('all, platform or one; or product=policy');

/** `p1=one`, or `one` for those that are not named. */
export function policyOf(text: string): [product: string | undefined, policy: DevicePolicy] {
  const end = text.indexOf('=');
  return [end < 0 ? undefined : text.slice(0, end), text.slice(end + 1) as DevicePolicy];
}

export const serverSettings = {
  port: setting(z.int().min(0).max(65_535).default(8080), { description: 'port to listen on; 0 takes a free one' }),
  host: setting(z.string().min(1).default('127.0.0.1'), {
    description: 'address to listen on; 0.0.0.0 lets other hosts in',
    placeholder: 'address',
  }),
  dataFolder,
  development: setting(z.boolean().optional(), {
    description: 'let anybody sign in by typing a name; on unless other hosts can connect',
  }),
  verifyUrl: setting(z.url({ protocol: /^https?$/ }).optional(), {
    description: 'ask this URL of the business backend who a token belongs to',
    placeholder: 'url',
  }),
  verifyToken: setting(z.string().min(16).optional(), {
    description: 'sent to that URL as bearer token, so that it knows who asks',
    secret: true,
  }),
  jwksUrl: setting(z.url({ protocol: /^https?$/ }).optional(), {
    description: 'take JWTs signed with one of the keys published here (RS256, ES256 or EdDSA)',
    placeholder: 'url',
  }),
  jwtSecret: setting(z.string().min(32).optional(), {
    description: 'take JWTs signed with this secret (HS256)',
    secret: true,
  }),
  jwtIssuer: setting(z.string().min(1).optional(), { description: 'who must have issued JWTs (iss)' }),
  jwtAudience: setting(z.string().min(1).optional(), { description: 'whom JWTs must be for (aud)' }),
  jwtProductClaim: setting(z.string().min(1).optional(), {
    description: 'claim of JWTs with the product whose users and groups are meant; those without it are refused',
    placeholder: 'claim',
  }),
  pushTokens: setting(z.array(productToken).default([]), {
    description: 'tokens that let backends push to one product alone; that of the data folder lets them push to all',
    secret: true,
  }),
  devices: setting(z.array(devicePolicy).default([]), {
    description: 'which connections of one person stay: all, platform (the latest on each), or one (the latest)',
    placeholder: 'policies',
  }),
  origins: setting(z.array(z.url()).default([]), {
    description: 'other pages that may connect, besides those of this server',
    placeholder: 'urls',
  }),
  trustedProxies: setting(z.array(z.string()).default([]), {
    description: 'addresses and ranges of proxies whose X-Forwarded-For is believed',
    placeholder: 'addresses',
  }),
  compression: setting(z.boolean().default(true), {
    description: 'compress what many viewers share, for those whose programs offer it',
  }),
  metricsOpen: setting(z.boolean().default(false), {
    description: 'let everybody read /metrics, without the admin token',
  }),
  ...loggingSettings,
} satisfies Settings;

export type ServerConfig = Config<typeof serverSettings>;
