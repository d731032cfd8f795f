// Files are cut without gap or overlap, and no chunk is sent twice.
import { describe, expect, it } from 'vitest';
import { CHUNK_BYTES, chunkRanges, piecesToSend, toHex } from './chunks';

describe('chunks', () => {
  it.each([0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 17])('cover %d bytes', (bytes) => {
    const ranges = chunkRanges(bytes);
    expect(ranges.length).toBe(Math.ceil(bytes / CHUNK_BYTES));
    let at = 0;
    for (const { start, end } of ranges) {
      expect(start).toBe(at);
      expect(end - start).toBeLessThanOrEqual(CHUNK_BYTES);
      at = end;
    }
    expect(at).toBe(bytes);
  });

  it('are sent once each, and only if missing', () => {
    const files = [
      { path: 'a', bytes: CHUNK_BYTES + 5, chunks: ['one', 'two'] },
      { path: 'b', bytes: 2 * CHUNK_BYTES, chunks: ['one', 'one'] },
      { path: 'c', bytes: 9, chunks: ['three'] },
    ];
    expect(piecesToSend(files, ['one', 'three'])).toEqual([
      { hash: 'one', file: 0, start: 0, end: CHUNK_BYTES },
      { hash: 'three', file: 2, start: 0, end: 9 },
    ]);
    expect(piecesToSend(files, [])).toEqual([]);
    expect(piecesToSend(files, ['two'])).toEqual([{ hash: 'two', file: 0, start: CHUNK_BYTES, end: CHUNK_BYTES + 5 }]);
  });

  it('are named in lower case hexadecimal', () => {
    expect(toHex(new Uint8Array([0, 10, 255]).buffer)).toBe('000aff');
  });
});
