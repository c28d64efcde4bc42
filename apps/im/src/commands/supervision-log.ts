/** Owns: what of the supervisor's events people see, and what children print. */
import type { Logger, SupervisorEvent } from '@im/runtime';

export interface SupervisionLogOptions {
  readonly logger: Logger;
  /** Children log JSON lines that name them: passed on as they are. */
  readonly json: boolean;
  readonly colour: boolean;
}

export function tellSupervision(event: SupervisorEvent, { logger, json, colour }: SupervisionLogOptions): void {
  switch (event.kind) {
    case 'output': {
      const stream = event.stream === 'stdout' ? process.stdout : process.stderr;
      const prefix = colour ? `\u001b[90m${event.child} │\u001b[0m ` : `${event.child} │ `;
      stream.write(`${json ? '' : prefix}${event.line}\n`);
      return;
    }
    case 'restarting': {
      const { child, reason, failures, delayMs } = event;
      logger.warn('a child ended and is started again', { child, reason, failures, delayMs: Math.round(delayMs) });
      return;
    }
    case 'failed':
      logger.error('a child is given up', { child: event.child, reason: event.reason });
      return;
    case 'started':
    case 'ready':
    case 'ended':
    case 'stopped': {
      const { kind, ...fields } = event;
      logger.debug(`a child: ${kind}`, fields);
    }
  }
}
