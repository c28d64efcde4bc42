/** Who is connected where, across gateways: the interface of the register. Must not know connections. */

export interface UserSession {
  /** Names the connection: a session that goes on at another one may be entered there before it is left here. */
  readonly session: string;
  readonly gateway: string;
  readonly device: string;
  readonly platform: string;
  readonly sinceMs: number;
}

/** Whoever only looks. */
export interface UserReader {
  /**
   * Of all gateways that are alive, the oldest first; empty: offline.
   * @param userGroup `u:<user>`, under its product where there is one
   * @throws ImError STORE_UNAVAILABLE
   */
  sessionsOf(userGroup: string): Promise<readonly UserSession[]>;
}

export interface UserRegister extends UserReader {
  /**
   * A user is connected to this gateway, or is to be shown otherwise. Told soon, and again when the store comes back.
   * @param userGroup `u:<user>`, under its product where there is one
   */
  enter(userGroup: string, session: Omit<UserSession, 'gateway'>): void;
  /** It ended; unknown ones are ignored. */
  leave(session: string): void;
  /** Gateways that are alive and entered somebody. @throws ImError STORE_UNAVAILABLE */
  gateways(): Promise<readonly string[]>;
}
