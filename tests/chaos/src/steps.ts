/** The rows of the ledger: when traffic flows, when something is disturbed, when everything must have settled. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Random } from '@im/protocol/ports';
import type { Ledger } from './books/ledger.js';
import type { Cluster } from './cluster.js';
import {
  addNode,
  type Disturbance,
  killGateway,
  killManagers,
  killNode,
  removeNode,
  restartRedis,
} from './disturbances.js';
import type { Traffic } from './traffic.js';

interface Stage {
  readonly ledger: Ledger;
  readonly cluster: Cluster;
  readonly traffic: Traffic;
  readonly random: Random;
  readonly loadMs: number;
}

export interface Step {
  readonly name: string;
  run(stage: Stage): Promise<void>;
}

/** Until everybody has got, or was told of, what was sent. */
const SETTLE_MS = 30_000;
const POLL_MS = 50;

const steady: Step = {
  name: 'nothing',
  async run({ ledger, traffic, loadMs }) {
    traffic.start();
    await pause(loadMs);
    await rest(traffic);
    await settle(ledger);
  },
};

const afterTheLast = ({ name, strike }: Disturbance): Step => ({
  name: `${name}: nothing follows`,
  async run({ ledger, cluster, traffic, random, loadMs }) {
    traffic.start();
    await pause(loadMs);
    await rest(traffic);
    ledger.disturb();
    const whole = strike(cluster, random);
    await settle(ledger);
    await whole;
  },
});

const underLoad = ({ name, strike }: Disturbance): Step => ({
  name: `${name}: under load`,
  async run({ ledger, cluster, traffic, random, loadMs }) {
    traffic.start();
    await pause(loadMs / 2);
    ledger.disturb();
    await strike(cluster, random);
    await pause(loadMs / 2);
    await rest(traffic);
    await settle(ledger);
  },
});

const bothWays = (disturbance: Disturbance): readonly Step[] => [afterTheLast(disturbance), underLoad(disturbance)];

export const ALL_STEPS: readonly Step[] = [
  steady,
  ...bothWays(killNode),
  ...bothWays(killGateway),
  ...bothWays(killManagers),
  underLoad(addNode),
  ...bothWays(killNode),
  underLoad(removeNode),
  ...bothWays(restartRedis),
  steady,
];

/** For each run of all tests. */
export const FEW_STEPS: readonly Step[] = [
  ...bothWays(killNode),
  underLoad(addNode),
  ...bothWays(killGateway),
  underLoad(killManagers),
  ...bothWays(restartRedis),
];

async function rest(traffic: Traffic): Promise<void> {
  await traffic.stop();
  await traffic.answered();
}

/** Settles when nothing is to be waited for, or when it was waited for long enough: then the rows tell. */
async function settle(ledger: Ledger): Promise<void> {
  for (const begun = performance.now(); !ledger.isLevel && performance.now() - begun < SETTLE_MS; )
    await pause(POLL_MS);
}
