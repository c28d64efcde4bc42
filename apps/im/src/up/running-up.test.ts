import { RecordingLogger } from '@im/protocol/testing';
import { readConfig } from '@im/runtime';
import { expect, it, vi } from 'vitest';
import type { Supervision } from '../supervised-children.js';
import { RunningUp } from './running-up.js';
import { type UpPlan, upSettings } from './up-settings.js';

function setUp(onPlan: (plan: UpPlan) => Promise<void> = async () => {}) {
  const config = readConfig(upSettings, { arguments: [], environment: {} });
  let arranged = (): void => {};
  const arrange = vi.fn(
    () =>
      new Promise<void>((resolve) => {
        arranged = resolve;
      }),
  );
  const update = vi.fn(async (_names: readonly string[]) => {});
  const logger = new RecordingLogger();
  const supervision = { logger, supervisor: { update }, arrange } as unknown as Supervision;
  const plan: UpPlan = { ...config, broadcastNodes: 1, gatewayPorts: [8080], managerPorts: [] };
  const running = new RunningUp({ supervision, servers: [], plan, onPlan, stopped: new Promise(() => {}) });
  running.started();
  return { running, logger, arrange, update, arranged: () => arranged() };
}

it('updates the workers that there are once scaling, which came before, is done', async () => {
  const { running, arrange, update, arranged } = setUp();
  const scaling = running.scale({ workers: 1 }, () => {});
  await vi.waitFor(() => expect(arrange).toHaveBeenCalled());
  const updating = running.update();
  arranged();
  expect(await scaling).toMatchObject({ scaled: true });
  expect(await updating).toEqual({ updated: true, message: '1 worker updated' });
  expect(update.mock.calls).toEqual([[['worker-1']]]);
});

it('says that it was scaled though others cannot read it in a file, and logs why', async () => {
  const failure = new Error('no space left on device');
  const { running, arrange, logger, arranged } = setUp(() => Promise.reject(failure));
  const scaling = running.scale({ workers: 3 }, () => {});
  await vi.waitFor(() => expect(arrange).toHaveBeenCalled());
  arranged();
  expect(await scaling).toMatchObject({ scaled: true, counts: { workers: 3 } });
  expect(running.plan.workers).toBe(3);
  const errors = logger.records.filter(({ level }) => level === 'error');
  expect(errors).toEqual([expect.objectContaining({ fields: { error: failure } })]);
});
