// How files become chunks: 4 MiB each, named by their SHA-256, each sent once however often it occurs. Pure.
import type { UploadFile } from './types.js';

export const CHUNK_BYTES = 4 * 2 ** 20;

/** Where a chunk stands in its file; `end` is the byte after its last. */
export interface Span {
  start: number;
  end: number;
}

/** An empty file has no chunk. */
export function chunkSpans(bytes: number): Span[] {
  const spans: Span[] = [];
  for (let start = 0; start < bytes; start += CHUNK_BYTES) {
    spans.push({ start, end: Math.min(bytes, start + CHUNK_BYTES) });
  }
  return spans;
}

export interface Piece extends Span {
  sha256: string;
  /** Which of the files it is read from. */
  file: number;
}

/** Where each missing chunk is found: once each, in the order of the files. */
export function piecesToSend(files: readonly UploadFile[], missing: readonly string[]): Piece[] {
  const wanted = new Set(missing);
  return files.flatMap(({ bytes, chunks }, file) =>
    chunkSpans(bytes).flatMap((span, index) => {
      const sha256 = chunks[index];
      return sha256 !== undefined && wanted.delete(sha256) ? [{ ...span, sha256, file }] : [];
    }),
  );
}

/** The name of a chunk: its SHA-256 in lower-case hexadecimal digits. */
export async function nameOf(chunk: Uint8Array<ArrayBuffer>): Promise<string> {
  if (!globalThis.crypto?.subtle) {
    throw new Error(
      'uploading needs crypto.subtle, which browsers have on pages from https:// and from localhost only',
    );
  }
  return toHex(await crypto.subtle.digest('SHA-256', chunk));
}

export function toHex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
