import { EventEmitter } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { RecordingLogger } from '@im/protocol/testing';
import { createMetrics, createShutdown, readConfig } from '@im/runtime';
import { expect, it, onTestFinished } from 'vitest';
import { dataFolder } from '../settings.js';
import { adminPortSettings, openAdminPort } from './admin-port.js';

class FakeProcess extends EventEmitter {
  exitCode: number | undefined;
  exit = (): void => {};
  getActiveResourcesInfo = (): string[] => [];
}

async function setUp(...args: string[]) {
  const folder = await mkdtemp(path.join(tmpdir(), 'im-admin-'));
  const logger = new RecordingLogger();
  const shutdown = createShutdown({ logger, process: new FakeProcess() });
  onTestFinished(async () => {
    await shutdown.stop(undefined);
    await rm(folder, { recursive: true });
  });
  const data = path.join(folder, 'data');
  const config = readConfig(
    { ...adminPortSettings, dataFolder },
    { arguments: ['--data', data, ...args], environment: {} },
  );
  const open = () => openAdminPort(config, { logger, metrics: createMetrics(), shutdown });
  return { open, shutdown, data };
}

const get = async (address: string, token?: string) => {
  const response = await fetch(address, {
    headers: { connection: 'close', ...(token && { authorization: `Bearer ${token}` }) },
  });
  return [response.status, await response.text()];
};

it('opens nothing unless a port is named', async () => {
  const { open } = await setUp();
  expect(await open()).toBeUndefined();
});

it('is alive at once, ready when its work has begun, and not any more while it stops', async () => {
  const { open, shutdown } = await setUp('--metrics-port', '0');
  const admin = await open();
  const probe = (name: string) => get(new URL(name, admin?.figures).href);
  expect(await probe('/healthz')).toEqual([200, 'ok\n']);
  expect(await probe('/readyz')).toEqual([503, '{"ready":false,"checks":{"process":"starting"}}\n']);
  let whileWorkStops: unknown;
  shutdown.add({
    name: 'work',
    stop: async () => {
      [whileWorkStops] = await probe('/readyz');
    },
  });
  admin?.begun();
  expect((await probe('/readyz'))[0]).toBe(200);
  await shutdown.stop(undefined);
  expect(whileWorkStops).toBe(503);
  await expect(probe('/healthz')).rejects.toThrow();
});

it('shows figures to whoever has the admin token of the data folder', async () => {
  const { open, data } = await setUp('--metrics-port', '0');
  const { figures } = (await open()) ?? { figures: '' };
  expect(await get(figures)).toEqual([401, 'needs the admin token\n']);
  const token = (await readFile(path.join(data, 'admin-token'), 'utf8')).trim();
  expect((await get(figures, token))[0]).toBe(200);
});

it('names the flag of a port or an address that cannot be had', async () => {
  const { open } = await setUp('--metrics-port', '0');
  const { port } = new URL((await open())?.figures ?? '');
  const second = await setUp('--metrics-port', port);
  await expect(second.open()).rejects.toThrow('choose another with --metrics-port');
  const elsewhere = await setUp('--metrics-port', '0', '--metrics-host', '192.0.2.1');
  await expect(elsewhere.open()).rejects.toThrow('choose another with --metrics-host');
});
