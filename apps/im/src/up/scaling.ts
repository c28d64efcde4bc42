/** Owns: more or fewer processes while `im up` runs: which numbers it takes, what is started and stopped for them. */
import { ConfigError, type Logger } from '@im/runtime';
import { findPorts } from '../supervised-children.js';
import { checkTogether, type UpPlan, upSettings } from './up-settings.js';

/** Those that can be scaled, as they are typed. */
const SCALABLE = {
  gateways: 'gateways',
  'broadcast-nodes': 'broadcastNodes',
  workers: 'workers',
} as const;

export type ScaleCounts = Readonly<Partial<Record<keyof typeof SCALABLE, number>>>;

export interface ScaleOutcome {
  readonly scaled: boolean;
  /** One line for people. */
  readonly message: string;
  /** Processes there are now. */
  readonly counts: Required<ScaleCounts>;
}

export interface ScalingOptions {
  readonly logger: Logger;
  /** Of now. */
  readonly plan: () => UpPlan;
  /** Starts and stops processes until there are those of this plan. @throws Error when new ones cannot be started; nothing has changed then */
  readonly arrange: (plan: UpPlan, tell: (line: string) => void) => Promise<void>;
}

export class Scaling {
  readonly #options: ScalingOptions;

  constructor(options: ScalingOptions) {
    this.#options = options;
  }

  /** Never rejects. */
  async scale(counts: ScaleCounts, tell: (line: string) => void): Promise<ScaleOutcome> {
    const { plan, arrange, logger } = this.#options;
    const before = plan();
    try {
      const after = await planFor(before, counts);
      logger.info('scaling', { ...counts });
      await arrange(after, tell);
    } catch (error) {
      const message = `not scaled, everything is as it was: ${messageOf(error)}`;
      logger.error(message);
      return { scaled: false, message, counts: countsOf(before) };
    }
    const now = countsOf(plan());
    const message = Object.entries(now)
      .map(([name, count]) => `${name}=${count}`)
      .join(' ');
    logger.info('scaled', now);
    return { scaled: true, message, counts: now };
  }
}

function countsOf({ gateways, broadcastNodes, workers }: UpPlan): Required<ScaleCounts> {
  return { gateways, 'broadcast-nodes': broadcastNodes, workers };
}

/** @throws ConfigError, CommandError */
async function planFor(before: UpPlan, counts: ScaleCounts): Promise<UpPlan> {
  const wanted: Record<string, number> = {};
  for (const [name, count] of Object.entries(counts)) {
    const key = SCALABLE[name as keyof typeof SCALABLE];
    if (key === undefined) throw new Error(`${name} cannot be scaled; ${Object.keys(SCALABLE).join(', ')} can`);
    if (!upSettings[key].schema.safeParse(count).success) throw new Error(`${name}=${count} is out of its range`);
    wanted[key] = count;
  }
  const after: UpPlan = { ...before, ...wanted };
  const { engine, managers, gateways, gatewayPorts, host, port } = after;
  // Without broadcast nodes none are asked for.
  checkTogether({
    ...after,
    broadcastNodes: counts['broadcast-nodes'] ?? (engine === 'zeromq' ? after.broadcastNodes : undefined),
  });
  if (after.broadcastNodes !== before.broadcastNodes && managers === 0) {
    throw new Error(
      'other processes learn of broadcast nodes from node managers: start im up with --managers 1 or more',
    );
  }
  const kept = gatewayPorts.slice(0, gateways);
  const added = await findPorts({ host, port: port === 0 ? 0 : port + kept.length }, gateways - kept.length);
  return { ...after, gatewayPorts: [...kept, ...added] };
}

function messageOf(error: unknown): string {
  if (error instanceof ConfigError)
    return error.mistakes.map(({ path, expected }) => `${path}: ${expected}`).join('; ');
  return (error as Error).message;
}
