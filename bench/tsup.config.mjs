/** Every process of the bench, and the server programs of the systems that run on Node. */
import { defineConfig } from 'tsup';

/** Programs of chains are named for their part, in a folder for each system. */
const chainPrograms = {
  'systems/im-rpc': ['broker', 'worker', 'caller', 'hung-worker', 'flooder'],
  'peers/zeromq-bare': ['broker', 'worker', 'caller'],
  'peers/moleculer-nats': ['worker', 'caller'],
  'peers/nats': ['worker', 'caller'],
  'peers/grpc-js': ['worker', 'caller'],
  'systems/im-bus': ['node', 'publisher', 'subscriber', 'gifts'],
  'systems/im-multicast': ['node', 'pusher', 'receiver'],
  'systems/im-log': ['server', 'clients'],
  'peers/nats-bus': ['publisher', 'subscriber'],
  'peers/redis-bus': ['publisher', 'subscriber'],
};

export default defineConfig({
  entry: {
    main: 'src/main.ts',
    load: 'src/load/main.ts',
    publisher: 'src/publisher/main.ts',
    'systems/im': 'systems/im/server.ts',
    'systems/im-redis': 'systems/im-redis/server.ts',
    'peers/ws': 'peers/ws/server.ts',
    'peers/ws-frame': 'peers/ws-frame/server.ts',
    'peers/socket.io': 'peers/socket.io/server.ts',
    ...Object.fromEntries(
      Object.entries(chainPrograms)
        .flatMap(([folder, parts]) => parts.map((part) => `${folder}/${part}`))
        .map((program) => [program, `${program}.ts`]),
    ),
  },
  format: 'esm',
  platform: 'node',
  target: 'es2022',
  // A program is one file that finds its neighbours by its own place.
  splitting: false,
  clean: true,
  removeNodeProtocol: false,
  external: [/^@im\//],
});
