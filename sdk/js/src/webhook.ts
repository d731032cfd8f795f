// Whether a delivery comes from one's own node: docs/protocol/webhooks.md.
import { toHex } from './chunks.js';

/** Older deliveries are not taken. */
const FRESH_S = 300;

export interface VerifyOptions {
  /** Seconds since 1970; the clock by default. */
  now?: number;
}

/** Checks `Rayswarm-Signature` over the body as it came, before it is parsed. */
export async function verifyWebhook(
  secret: string,
  signature: string | null | undefined,
  body: string | Uint8Array,
  { now = Date.now() / 1000 }: VerifyOptions = {},
): Promise<boolean> {
  const fields = new Map((signature ?? '').split(',').map((part) => part.split('=', 2) as [string, string]));
  const [at, given] = [fields.get('t') ?? '', fields.get('v1') ?? ''];
  if (!/^\d+$/.test(at) || Math.abs(now - Number(at)) >= FRESH_S) return false;
  const expected = await hmac(secret, `${at}.`, body);
  return isSame(expected, given);
}

async function hmac(secret: string, prefix: string, body: string | Uint8Array): Promise<string> {
  const encoder = new TextEncoder();
  const signed = new Uint8Array(await new Blob([prefix, body as BlobPart]).arrayBuffer());
  const use = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), use, false, ['sign']);
  return toHex(await crypto.subtle.sign('HMAC', key, signed));
}

/** Takes the same time wherever the two differ. */
function isSame(expected: string, given: string): boolean {
  let difference = expected.length ^ given.length;
  for (let at = 0; at < expected.length; at += 1) difference |= expected.charCodeAt(at) ^ given.charCodeAt(at);
  return difference === 0;
}
