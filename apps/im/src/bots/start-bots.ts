/** Composes a crowd of bots and lets them in. */
import { type Config, ensureSecret, type Logger, type Shutdown, systemClock } from '@im/runtime';
import { issueToken } from '@im/workers';
import type { botsSettings } from '../commands/bots-settings.js';
import { SECRET_FILES } from '../server/secrets.js';
import { Bot } from './bot.js';
import { Crowd } from './crowd.js';
import { botName } from './phrases.js';
import { seededRandom } from './seeded-random.js';

export interface BotsOptions {
  readonly config: Omit<Config<typeof botsSettings>, 'logLevel' | 'json'>;
  readonly logger: Logger;
  readonly shutdown: Shutdown;
}

/** A gift of this value moves everybody. */
const STIRRING_VALUE = 500;

/** Settles when they are on their way. @throws DataFolderError */
export async function startBots({ config, logger, shutdown }: BotsOptions): Promise<void> {
  const { count, room, url, dataFolder, seed } = config;
  const secret = new TextEncoder().encode(await ensureSecret(dataFolder, SECRET_FILES.development));
  const signer = { secret, now: () => systemClock.now() };
  const viewers = Array.from({ length: count }, (_, index) => {
    const name = botName(index);
    return new Bot({
      url,
      room,
      logger,
      token: async () => (await issueToken(signer, { name })).token,
      device: `bot-${index + 1}`,
      // One pair of eyes is enough for all.
      ...(index === 0 && { onGift: ({ from, value }) => crowd.stir(from.name, Math.min(1, value / STIRRING_VALUE)) }),
    });
  });
  const crowd = new Crowd({ viewers, clock: systemClock, random: seededRandom(seed) });
  shutdown.add({
    name: 'viewers',
    stop() {
      crowd.stop();
      for (const viewer of viewers) viewer.go();
    },
  });
  crowd.start();
  logger.info('viewers arrive', { count, room, url });
}
