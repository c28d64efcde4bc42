/** Owns: which node managers hear of this process: the settings that all nodes share. */
import { type Settings, setting } from '@im/runtime';
import { z } from 'zod';
import { managerAddress } from './manager-address.js';

export const clusterSettings = {
  manager: setting(z.array(managerAddress).default([]), {
    description: 'all node managers; without any it is in no cluster',
    placeholder: 'addresses',
  }),
} satisfies Settings;
