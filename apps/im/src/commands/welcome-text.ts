/** What `im start` shows once everything runs. */
import path from 'node:path';
import { SECRET_FILES } from '../server/secrets.js';

export interface Welcome {
  /** `http://127.0.0.1:8080` */
  readonly origin: string;
  readonly dataFolder: string;
  readonly room: string;
  readonly bots: number;
  /** Of `im up`, where there are several: that of `origin` and the others. */
  readonly gateways?: readonly string[] | undefined;
  /** Of `im up`. */
  readonly brokers?: readonly string[] | undefined;
  /** Of `im up`: what carries messages, if that is not broadcast nodes. */
  readonly engine?: string | undefined;
  /** Where the figures of all processes are. Default: those of the server. */
  readonly figures?: string | undefined;
}

export function welcomeText({
  origin,
  dataFolder,
  room,
  bots,
  gateways = [],
  brokers = [],
  engine = 'zeromq',
  figures = `${origin}/metrics`,
}: Welcome): string {
  const token = path.join(dataFolder, SECRET_FILES.push);
  const admin = path.join(dataFolder, SECRET_FILES.admin);
  const rows: [string, string][] = [
    ['Page', `${origin}/`],
    ['WebSocket', `${origin.replace(/^http/, 'ws')}/im`],
    ['Push', `curl ${origin}/v1/push -H "authorization: Bearer $(cat ${token})" \\`],
    [
      '',
      `  -d '{"to":{"room":"${room}"},"event":"chat","data":{"id":"1","from":{"user":"studio","name":"Studio"},"text":"hello","at":0}}'`,
    ],
    ['Health', `${origin}/readyz`],
    ['Figures', `curl ${figures} -H "authorization: Bearer $(cat ${admin})"`],
    ['Data', path.resolve(dataFolder)],
  ];
  for (const other of gateways.slice(1)) rows.splice(1, 0, ['Page', `${other}/`]);
  for (const broker of brokers) rows.push(['Broker', broker]);
  if (engine !== 'zeromq') rows.push(['Messages', `by ${engine === 'nats' ? 'NATS' : 'Redis'}`]);
  if (bots > 0) rows.push(['Viewers', `${bots} simulated ones arrive in room ${room}`]);
  const lines = rows.map(([name, value]) => `  ${name.padEnd(11)}${value}`);
  return `\n${lines.join('\n')}\n\n  Ctrl-C stops it.\n\n`;
}
