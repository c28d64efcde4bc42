/** `im rpc weights`: which share of a service's calls each version gets, for canary releases. */
import type { ServiceStatus } from '@im/rpc';
import { setting } from '@im/runtime';
import { z } from 'zod';
import { CommandError, defineCommand } from '../../command.js';
import { ask, rpcToolSettings, withBrokers } from '../../rpc/rpc-tool.js';

const share = /^(?<version>[^=]{1,64})=(?<weight>\d{1,7}(\.\d+)?)$/;

export const weights = defineCommand({
  name: 'rpc weights',
  summary: 'shows or sets the share of calls that each version of a service gets',
  settings: {
    service: setting(z.string().min(1), { description: 'whose calls', operand: true }),
    shares: setting(z.array(z.string().regex(share)).default([]).describe('version=weight, such as 1.1.0=10'), {
      description: 'versions with their weights; versions that are not named get no calls',
      operand: true,
      placeholder: 'version=weight',
    }),
    none: setting(z.boolean().default(false), { description: 'take the weights away: all workers alike' }),
    ...rpcToolSettings,
  },
  examples: [
    ['im rpc weights gift 1.1.0=10 1.0.0=90', 'every tenth call to version 1.1.0'],
    ['im rpc weights gift', 'shows them'],
    ['im rpc weights gift --none', 'takes them away'],
  ],
  async run(config, { print }) {
    const { service, shares, none, json } = config;
    if (none && shares.length > 0) throw new CommandError('either weights or --none');
    const wanted = none || shares.length > 0 ? weightsOf(shares) : undefined;
    const shown = await withBrokers(config, (brokers) =>
      Promise.all(
        brokers.map(async (broker) => {
          if (wanted !== undefined) await ask(broker, 'weights', config, { service, weights: wanted });
          const all = await ask<readonly ServiceStatus[]>(broker, 'services', config);
          const found = all.find(({ name }) => name === service);
          if (found === undefined)
            throw new CommandError(`no service ${service} at ${broker.name}: see im rpc services`, 1);
          return { broker: broker.name, weights: found.weights };
        }),
      ),
    );
    if (json) print(`${JSON.stringify(shown)}\n`);
    else for (const { broker, weights } of shown) print(`${broker}  ${textOf(weights)}\n`);
  },
});

function weightsOf(shares: readonly string[]): Record<string, number> {
  return Object.fromEntries(
    shares.map((text) => {
      const { version = '', weight } = share.exec(text)?.groups ?? {};
      return [version, Number(weight)];
    }),
  );
}

function textOf(weights: Readonly<Record<string, number>>): string {
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  const texts = Object.entries(weights).map(
    ([version, weight]) => `${version}=${weight} (${total === 0 ? 0 : Math.round((weight / total) * 100)} %)`,
  );
  return texts.length === 0 ? 'none: all workers alike' : texts.join('  ');
}
