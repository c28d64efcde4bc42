/** A broker over ZeroMQ: two ROUTERs, one for callers and one for workers, so that a flood of calls holds up no answers. */
import { ImError } from '@im/protocol';
import { systemClock } from '@im/protocol/clock';
import { type Clock, type Logger, type Metrics, noMetrics, silentLogger } from '@im/protocol/ports';
import { Context } from 'zeromq';
import { type BrokerLimits, createBrokerCore } from '../broker/create-broker-core.js';
import { WorkerPeer } from '../broker/worker-peer.js';
import { DEFAULT_MAX_BODY_BYTES } from '../rpc-limits.js';
import { type BrokerKeys, Gatekeeper } from './curve.js';
import { RouterPort } from './router-port.js';

export interface ZeromqBrokerOptions extends BrokerLimits {
  /** Where callers connect: `tcp://127.0.0.1:7401`, `ipc://…`, `inproc://…`; port `*` takes a free one. */
  readonly callers: string;
  /** Where workers connect. */
  readonly workers: string;
  /** Peers must have keys that it knows. Without keys it binds to this host only. */
  readonly keys?: BrokerKeys | undefined;
  /** Binds beyond this host without keys: anybody who reaches the port may call and serve. */
  readonly insecure?: boolean | undefined;
  /** Of ZeroMQ; needed for `inproc` only, and not together with keys. */
  readonly context?: Context | undefined;
  /** How long calls wait for a lost service to come back, and for workers after the start. Default 3,000. */
  readonly graceMs?: number | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  readonly metrics?: Metrics | undefined;
}

export interface ZeromqBroker {
  /** With the ports that were chosen. */
  readonly callersAddress: string;
  readonly workersAddress: string;
  close(): Promise<void>;
}

const GRACE_MS = 3_000;
const LOCAL = /^(ipc|inproc):\/\/|^tcp:\/\/(127\.\d+\.\d+\.\d+|\[::1\]|localhost):/;

/** @throws ImError CONFIG_INVALID for addresses that must not be bound, or cannot be: `details.address` */
export async function createZeromqBroker(options: ZeromqBrokerOptions): Promise<ZeromqBroker> {
  const { callers, workers, keys, insecure = false, graceMs = GRACE_MS } = options;
  const {
    clock = systemClock,
    logger = silentLogger,
    metrics = noMetrics,
    maxBodyBytes = DEFAULT_MAX_BODY_BYTES,
  } = options;
  if (keys === undefined && !insecure) for (const address of [callers, workers]) refuseRemote(address);
  const context = keys === undefined ? options.context : new Context();
  const gatekeeper = context === undefined || keys === undefined ? undefined : new Gatekeeper(context, keys.allowed);
  const opened: { close(): void }[] = gatekeeper === undefined ? [] : [gatekeeper];
  const close = async (): Promise<void> => {
    for (const part of opened.splice(0).reverse()) part.close();
  };
  try {
    await gatekeeper?.open();
    const core = createBrokerCore({ ...options, clock, logger, metrics, graceMs });
    opened.push(core);
    const shared = {
      ...{ clock, logger, metrics, maxBodyBytes, context },
      keys: keys === undefined ? undefined : { secretKey: keys.secretKey, domain: 'im' },
    };
    const callerPort = new RouterPort({
      ...shared,
      side: 'callers',
      accept: (link) => core.acceptCaller(link),
      onWritable: () => {},
    });
    opened.push(callerPort);
    const workerPort = new RouterPort({
      ...shared,
      side: 'workers',
      accept: (link) => core.acceptWorker(link),
      onWritable: (peer) => {
        if (peer instanceof WorkerPeer) peer.writable();
      },
    });
    opened.push(workerPort);
    return {
      callersAddress: await bind(callerPort, callers),
      workersAddress: await bind(workerPort, workers),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function refuseRemote(address: string): void {
  if (LOCAL.test(address)) return;
  throw new ImError('CONFIG_INVALID', {
    message: `${address} can be reached from other hosts: configure keys, or say insecure`,
    details: { address },
  });
}

async function bind(port: RouterPort, address: string): Promise<string> {
  try {
    return await port.bind(address);
  } catch (cause) {
    const { message } = cause as Error;
    throw new ImError('CONFIG_INVALID', { message: `cannot bind ${address}: ${message}`, details: { address }, cause });
  }
}
