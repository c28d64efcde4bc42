/** The service, and the addresses at which its parts find each other. */
import { defineService } from '@im/rpc';
import { z } from 'zod';

export interface Addresses {
  readonly callers: string;
  readonly workers: string;
}

const note = z.object({ number: z.int(), room: z.string(), text: z.string().max(200) });

export const notes = defineService({ name: 'notes', methods: { echo: { input: note, output: note } } });

/** What the isolation workload floods: its worker never answers. */
export const HUNG_SERVICE = 'hung';
