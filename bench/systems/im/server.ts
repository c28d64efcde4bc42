/** `im`: one gateway, with all that it needs in its process. Its argument is JSON of the gateway options that differ. */
import { announce } from '../../peers/server-process.js';
import { compose } from './composition.js';

const { addGateway, token, figures } = await compose();
const { server } = addGateway('bench', JSON.parse(process.argv[2] ?? '{}'));
announce(server, { token }, { figures });
