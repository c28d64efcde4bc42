/** Who I am: a development token for a chosen name, and the name remembered for the next visit. */

export interface Identity {
  readonly user: string;
  readonly name: string;
  readonly token: string;
}

const NAME_KEY = 'im.demo.name';
const DEVICE_KEY = 'im.demo.device';

export function lastName(): string {
  return localStorage.getItem(NAME_KEY) ?? '';
}

/** @throws Error with a line for people */
export async function signIn(name: string): Promise<Identity> {
  let response: Response;
  try {
    response = await fetch('/v1/login', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name }),
    });
  } catch {
    throw new Error('The server cannot be reached. Try again in a moment.');
  }
  const answer = (await response.json().catch(() => ({}))) as { user?: string; token?: string; message?: string };
  if (!response.ok || !answer.user || !answer.token) {
    throw new Error(answer.message ?? `Signing in failed (${response.status}).`);
  }
  localStorage.setItem(NAME_KEY, name);
  return { user: answer.user, name, token: answer.token };
}

/** One id for each tab: two tabs are two devices. */
export function deviceId(): string {
  const known = sessionStorage.getItem(DEVICE_KEY);
  if (known) return known;
  const bytes = crypto.getRandomValues(new Uint8Array(9));
  const made = `web-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
  sessionStorage.setItem(DEVICE_KEY, made);
  return made;
}
