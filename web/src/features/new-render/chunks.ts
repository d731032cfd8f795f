// How files become chunks: 4 MiB each, named by their SHA-256, each sent once however often it occurs. Pure.
import type { UploadFile } from '@/api/types';

export const CHUNK_BYTES = 4 * 2 ** 20;

export interface Range {
  start: number;
  end: number;
}

/** An empty file has no chunk. */
export function chunkRanges(bytes: number): Range[] {
  const ranges: Range[] = [];
  for (let start = 0; start < bytes; start += CHUNK_BYTES) {
    ranges.push({ start, end: Math.min(bytes, start + CHUNK_BYTES) });
  }
  return ranges;
}

export interface Piece extends Range {
  hash: string;
  /** Which of the files it is read from. */
  file: number;
}

/** Where each missing chunk is found: once each, in the order of the files. */
export function piecesToSend(files: readonly UploadFile[], missing: readonly string[]): Piece[] {
  const wanted = new Set(missing);
  const pieces: Piece[] = [];
  files.forEach((file, index) => {
    const ranges = chunkRanges(file.bytes);
    file.chunks.forEach((hash, chunk) => {
      const range = ranges[chunk];
      if (range && wanted.delete(hash)) pieces.push({ hash, file: index, ...range });
    });
  });
  return pieces;
}

export function toHex(bytes: ArrayBuffer): string {
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
