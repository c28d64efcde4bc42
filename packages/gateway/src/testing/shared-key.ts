/** TLS without certificates: a server and its clients, of one test process, know the same key. */
import { randomBytes } from 'node:crypto';

const psk = randomBytes(16);
const tls = { ciphers: 'PSK', maxVersion: 'TLSv1.2' } as const;

export const answering = { ...tls, pskCallback: () => psk };
export const asking = { ...tls, pskCallback: () => ({ psk, identity: 'i' }), checkServerIdentity: () => undefined };
