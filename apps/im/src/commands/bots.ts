/** `im bots`: simulated viewers for a server in development mode. */
import { createProcessLogger, createShutdown, ensureSecret, linkToParent, setting, systemClock } from '@im/runtime';
import { issueToken } from '@im/workers';
import { z } from 'zod';
import { Bot } from '../bots/bot.js';
import { Crowd } from '../bots/crowd.js';
import { botName } from '../bots/phrases.js';
import { seededRandom } from '../bots/seeded-random.js';
import { defineCommand } from '../command.js';
import { SECRET_FILES } from '../server/secrets.js';
import { dataFolder, loggingSettings } from '../settings.js';

export const MAX_BOTS = 5_000;
export const DEFAULT_ROOM = '10000';

export const botsSettings = {
  count: setting(z.int().min(1).max(MAX_BOTS).default(200), { description: 'how many viewers' }),
  room: setting(
    z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/)
      .default(DEFAULT_ROOM),
    { description: 'the room they enter' },
  ),
  url: setting(z.url({ protocol: /^wss?$/ }).default('ws://127.0.0.1:8080/im'), {
    description: 'WebSocket address of the server',
    placeholder: 'url',
  }),
  dataFolder: { ...dataFolder, description: "the server's data folder: tokens are signed with its secret" },
  seed: setting(z.int().min(0).default(1), { description: 'the same seed behaves the same' }),
  ...loggingSettings,
};

/** A gift of this value moves everybody. */
const STIRRING_VALUE = 500;

export const bots = defineCommand({
  name: 'bots',
  summary: 'simulated viewers who chat, like and give gifts',
  settings: botsSettings,
  examples: [
    ['im bots --count 500', 'five hundred viewers in room 10000'],
    ['im bots --room lounge --seed 7', 'others, elsewhere'],
  ],
  async run({ count, room, url, dataFolder, seed, logLevel, json }, { variables }) {
    const fields = json ? { process: 'bots' } : {};
    const logger = createProcessLogger({
      level: logLevel,
      json,
      stream: process.stdout,
      environment: variables,
      fields,
    });
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
    const shutdown = createShutdown({ logger });
    shutdown.listen();
    shutdown.add({ name: 'viewers', stop: () => closeAll(viewers) });
    shutdown.add({ name: 'crowd', stop: () => crowd.stop() });
    crowd.start();
    logger.info('viewers arrive', { count, room, url });
    linkToParent(() => void shutdown.stop('the supervisor is gone', 1)).reportReady();
  },
});

function closeAll(viewers: readonly Bot[]): void {
  for (const viewer of viewers) viewer.go();
}
