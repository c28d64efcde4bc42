/** What a supervisor tells: for logs, for output, for consoles. */
export type SupervisorEvent =
  | { readonly kind: 'started' | 'ready'; readonly child: string; readonly pid: number | undefined }
  | {
      readonly kind: 'ended';
      readonly child: string;
      readonly pid: number | undefined;
      readonly reason: string;
      /** It was asked to. */
      readonly expected: boolean;
    }
  | {
      readonly kind: 'restarting';
      readonly child: string;
      /** Of the end that made it necessary. */
      readonly reason: string;
      readonly failures: number;
      readonly delayMs: number;
    }
  /** Given up: it will not be started again by itself. */
  | {
      readonly kind: 'failed';
      readonly child: string;
      readonly reason: string;
      /** Otherwise whoever started it is told as well, by an error. */
      readonly wasReady: boolean;
    }
  | { readonly kind: 'stopped'; readonly child: string }
  | {
      readonly kind: 'output';
      readonly child: string;
      readonly pid: number | undefined;
      readonly stream: 'stdout' | 'stderr';
      readonly line: string;
    };
