/** Owns: what of the supervisor's events people see, and what children print. */
import type { Logger, SupervisorEvent } from '@im/runtime';

export interface SupervisionLogOptions {
  readonly logger: Logger;
  /** Children log JSON lines that name them: passed on as they are. */
  readonly json: boolean;
  readonly colour: boolean;
  /** Programs of others, which know nothing of our log: what they print is for whoever looks for a fault. */
  readonly foreign: ReadonlySet<string>;
}

export function tellSupervision(options: SupervisionLogOptions): (event: SupervisorEvent) => void {
  const { logger, json, colour, foreign } = options;
  /** The last line that each of them printed. */
  const said = new Map<string, string>();

  return (event) => {
    switch (event.kind) {
      case 'output': {
        if (foreign.has(event.child)) {
          said.set(event.child, event.line);
          logger.debug(event.line, { child: event.child });
          return;
        }
        const stream = event.stream === 'stdout' ? process.stdout : process.stderr;
        const prefix = colour ? `\u001b[90m${event.child} │\u001b[0m ` : `${event.child} │ `;
        stream.write(`${json ? '' : prefix}${event.line}\n`);
        return;
      }
      case 'restarting': {
        const { child, reason, failures, delayMs } = event;
        const fields = { child, reason, failures, delayMs: Math.round(delayMs), said: said.get(child) };
        logger.warn('a child ended and is started again', fields);
        return;
      }
      case 'failed':
        logger.error('a child is given up', { child: event.child, reason: event.reason, said: said.get(event.child) });
        return;
      case 'started':
      case 'ready':
      case 'ended':
      case 'stopped': {
        const { kind, ...fields } = event;
        logger.debug(`a child: ${kind}`, fields);
      }
    }
  };
}
