/** `im`: one gateway, with all that it needs in its process. Its argument is JSON of the gateway options that differ. */
import { announce } from '../../peers/server-process.js';
import { compose, inMemory } from './composition.js';

const { server, token, figures } = await compose('bench', inMemory(), JSON.parse(process.argv[2] ?? '{}'));
announce(server, { token }, { figures });
