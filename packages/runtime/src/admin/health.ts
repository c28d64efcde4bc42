/** Owns: whether this process should get work. Being alive is shown by answering at all. */

/** True when fine, else what is wrong, in one line. */
export type HealthCheck = () => true | string;

export interface HealthReport {
  readonly ready: boolean;
  /** By name: `ok`, or what is wrong. */
  readonly checks: Readonly<Record<string, string>>;
}

export interface Health {
  /** The process is ready while every check is fine. */
  addCheck(name: string, check: HealthCheck): void;
  /** From now on not ready, so that load balancers look elsewhere while connections drain. */
  setStopping(): void;
  report(): HealthReport;
}

export function createHealth(): Health {
  const checks = new Map<string, HealthCheck>();
  let stopping = false;
  return {
    addCheck: (name, check) => void checks.set(name, check),
    setStopping: () => {
      stopping = true;
    },
    report() {
      const results: Record<string, string> = stopping ? { process: 'stopping' } : {};
      let ready = !stopping;
      for (const [name, check] of checks) {
        const result = runCheck(check);
        results[name] = result === true ? 'ok' : result;
        ready &&= result === true;
      }
      return { ready, checks: results };
    },
  };
}

function runCheck(check: HealthCheck): true | string {
  try {
    return check();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
