import { ImError } from '@im/protocol';

/** @throws ImError CONFIG_INVALID */
export function configMistake(mistake: string, cause?: unknown): ImError {
  return new ImError('CONFIG_INVALID', { message: mistake, details: { mistakes: [mistake] }, cause });
}

/** @throws ImError CONFIG_INVALID for anything but an http or https URL */
export function httpUrl(option: string, value: string | URL): URL {
  if (URL.canParse(String(value))) {
    const url = new URL(String(value));
    if (url.protocol === 'http:' || url.protocol === 'https:') return url;
  }
  throw configMistake(`${option}: ${JSON.stringify(String(value))} is no http or https URL`);
}
