/** `im gateway`: the server without the services of the application, which are processes of their own. */
import path from 'node:path';
import { setting } from '@im/runtime';
import { z } from 'zod';
import { busSettings, describeBus, findBus } from '../bus/bus-place.js';
import { cellSettings, findCells } from '../cells/cell-place.js';
import { nodeName } from '../cluster/node-name.js';
import { defineCommand } from '../command.js';
import { ownVersion } from '../own-version.js';
import { runRole } from '../role.js';
import { brokerSettings, expectBrokers, findBrokers } from '../rpc/broker-place.js';
import { drainSeconds, processName, serverSettings } from '../settings.js';
import { siteFolder } from '../site-folder.js';

export const gatewaySettings = {
  ...serverSettings,
  ...brokerSettings,
  ...busSettings,
  ...cellSettings,
  publicUrl: setting(z.url({ protocol: /^wss?$/ }).optional(), {
    description: 'where clients reach this gateway, as node managers tell them; default: its own port of this host',
    placeholder: 'url',
  }),
  drainSeconds,
  processName,
};

export const gateway = defineCommand({
  name: 'gateway',
  summary: 'the server with its services behind brokers and its bus at broadcast nodes',
  settings: gatewaySettings,
  examples: [['im gateway --broker tcp://127.0.0.1:7401 --data /var/lib/im', 'with the broker of this host']],
  run: (config, environment) =>
    runRole('gateway', config, environment, async (role) => {
      // Loaded only where it runs: the other commands need none of it.
      const [{ startServer }, { amongProcesses }] = await Promise.all([
        import('../server/server.js'),
        import('../server/arrangement.js'),
      ]);
      const cells = findCells(config);
      const { names, place } = await findBrokers(config);
      const { bus, member } = await findBus(config, place.keys, role);
      // In the user register too: the same after a restart.
      const name = nodeName(config.processName ?? 'gateway', config.port);
      const starting = startServer({
        ...role,
        ...{ config, site: siteFolder(), version: ownVersion() },
        arrangement: amongProcesses({ brokers: place, bus, cells, name }),
      });
      const { origin, gateway, health } = await expectBrokers(names, role.logger, starting);
      if (member !== undefined) {
        const { publicUrl = `${origin.replace(/^http/, 'ws')}/im` } = config;
        if (config.publicUrl === undefined && ['0.0.0.0', '::'].includes(config.host)) {
          role.logger.warn('node managers send clients to an address of this host only: name --public-url', {
            publicUrl,
          });
        }
        role.figures.set('connections', () => gateway.connections);
        member.announce({ id: name, role: 'gateway', version: ownVersion(), addresses: { ws: publicUrl } });
        const { attendDeparture } = await import('../cluster/attend-departure.js');
        attendDeparture({ ...role, member, gateway, health, id: name, windowMs: config.drainSeconds * 1_000 });
      }
      return { origin, data: path.resolve(config.dataFolder), brokers: names, ...describeBus(bus) };
    }),
});
