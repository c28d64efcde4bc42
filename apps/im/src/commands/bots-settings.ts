/** The settings of `im bots`, which `im start` hands on to it. */
import { type ChildSpec, handOn, setting } from '@im/runtime';
import { z } from 'zod';
import { dataFolder, loggingSettings, type ServerConfig } from '../settings.js';
import { childOf } from '../supervised-children.js';

const MAX_BOTS = 5_000;
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

export const botsCount = setting(z.int().min(0).max(MAX_BOTS).default(0), {
  description: 'simulated viewers in room 10000',
});

/** None for no bots. */
export function botsChild(
  { dataFolder, logLevel, json }: Pick<ServerConfig, 'dataFolder' | 'logLevel' | 'json'>,
  count: number,
  origin: string,
): ChildSpec[] {
  if (count === 0) return [];
  const url = `${origin.replace(/^http/, 'ws')}/im`;
  return [
    childOf('bots', handOn(botsSettings, { count, room: DEFAULT_ROOM, url, seed: 1, dataFolder, logLevel, json })),
  ];
}
