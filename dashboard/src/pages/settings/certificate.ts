// What a certificate says of itself, as far as the settings show it: until when it is good, and its fingerprint, which a
// join token has in it. Used by About.

/** The first certificate of a PEM; null: there is none. */
export function derOf(pem: string): Uint8Array<ArrayBuffer> | null {
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem)?.[1];
  if (body === undefined) return null;
  try {
    return Uint8Array.from(atob(body.replace(/\s/g, "")), (byte) => byte.charCodeAt(0));
  } catch {
    return null;
  }
}

const UTC_TIME = 0x17;
const GENERAL_TIME = 0x18;

/** Epoch milliseconds; null: not found. Of RFC 5280 this needs that "validity" is the first sequence of two times. */
export function endsAt(der: Uint8Array): number | null {
  for (let at = 0; at < der.length - 4; at += 1) {
    if (der[at] !== 0x30) continue;
    const from = timeAt(der, at + 2);
    const to = from === null ? null : timeAt(der, from.next);
    if (to !== null && to.next === at + 2 + (der[at + 1] ?? 0)) return to.moment;
  }
  return null;
}

function timeAt(der: Uint8Array, at: number): { moment: number; next: number } | null {
  const [tag, length = 0] = [der[at], der[at + 1]];
  const digits = tag === UTC_TIME ? 12 : tag === GENERAL_TIME ? 14 : 0;
  if (digits === 0 || length !== digits + 1 || at + 2 + length > der.length) return null;
  const text = String.fromCharCode(...der.subarray(at + 2, at + 2 + length));
  const parts = new RegExp(`^(\\d{${digits - 10}})(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)(\\d\\d)Z$`).exec(text)?.slice(1).map(Number);
  if (parts === undefined) return null;
  const [written = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts;
  // Two digits are of 1950 to 2049.
  const year = digits === 14 ? written : written < 50 ? 2000 + written : 1900 + written;
  return { moment: Date.UTC(year, month - 1, day, hour, minute, second), next: at + 2 + length };
}

/** SHA-256 as "AB:CD:…"; null where the browser does not work it out: over plain HTTP. */
export async function fingerprintOf(der: Uint8Array<ArrayBuffer>): Promise<string | null> {
  // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- over plain HTTP there is none
  if (globalThis.crypto?.subtle === undefined) return null;
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", der));
  return Array.from(found, (byte) => byte.toString(16).padStart(2, "0").toUpperCase()).join(":");
}
