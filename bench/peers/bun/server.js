/** Bun's own WebSocket server (uWebSockets): subscribe, and publish to the topic. Run by Bun. */
const TOPIC = 'bench';

const server = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  async fetch(request, bunServer) {
    if (request.method === 'POST') {
      for (const line of (await request.text()).split('\n')) {
        if (line !== '') bunServer.publish(TOPIC, `{"event":"chat","data":${line}}`);
      }
      return new Response(null, { status: 204 });
    }
    return bunServer.upgrade(request) ? undefined : new Response('WebSocket expected', { status: 426 });
  },
  websocket: {
    perMessageDeflate: false,
    open: (client) => client.subscribe(TOPIC),
    message: () => {},
  },
});
console.log(JSON.stringify({ port: server.port }));
process.stdin.resume().on('end', () => process.exit());
