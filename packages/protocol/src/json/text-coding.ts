/** UTF-8, strictly: what the platform offers everywhere, declared here because this package knows neither Node nor a page. */

declare const TextEncoder: new () => {
  encode(text: string): Uint8Array;
  encodeInto(text: string, target: Uint8Array): { written: number };
};
declare const TextDecoder: new (
  label: string,
  options: { fatal: boolean; ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };

export const encoder = /* @__PURE__ */ new TextEncoder();

/** Throws on anything that is not UTF-8, and keeps a byte order mark, which JSON then refuses. */
export const strictDecoder = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
