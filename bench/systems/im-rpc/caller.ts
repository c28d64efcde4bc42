/** Calls through a typed client, measured. */
import { createServiceClient, measureCalls, wrapCaller } from '@im/rpc';
import { createZeromqRpc } from '@im/rpc/zeromq';
import { createMetrics } from '@im/runtime';
import { reached } from '../../src/harness/part.js';
import { runCaller } from '../../src/rpc/caller-process.js';
import { type Addresses, notes } from './notes.js';

const metrics = createMetrics();
const rpc = createZeromqRpc({ brokers: [reached<Addresses>()] });
const client = createServiceClient(notes, wrapCaller(rpc.createCaller(), [measureCalls({ metrics, side: 'caller' })]));
runCaller((note) => client.echo(note));
