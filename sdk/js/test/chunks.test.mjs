// Files are cut without gap or overlap, chunks are named as the node names them, and none is sent twice.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { CHUNK_BYTES, chunkSpans, nameOf, piecesToSend } from '../dist/chunks.js';

describe('chunks', () => {
  for (const bytes of [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 17]) {
    it(`cover ${bytes} bytes`, () => {
      const spans = chunkSpans(bytes);
      assert.equal(spans.length, Math.ceil(bytes / CHUNK_BYTES));
      let at = 0;
      for (const { start, end } of spans) {
        assert.equal(start, at);
        assert.ok(end - start <= CHUNK_BYTES);
        at = end;
      }
      assert.equal(at, bytes);
    });
  }

  it('are named by their SHA-256', async () => {
    // FIPS 180-2, appendix B.1.
    const abc = new TextEncoder().encode('abc');
    assert.equal(await nameOf(abc), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    const whole = new Uint8Array(CHUNK_BYTES).fill(10);
    assert.equal(await nameOf(whole), createHash('sha256').update(whole).digest('hex'));
  });

  it('are sent once each, and only if missing', () => {
    const files = [
      { path: 'a', bytes: CHUNK_BYTES + 5, chunks: ['one', 'two'] },
      { path: 'b', bytes: 2 * CHUNK_BYTES, chunks: ['one', 'one'] },
      { path: 'c', bytes: 9, chunks: ['three'] },
    ];
    assert.deepEqual(piecesToSend(files, ['one', 'three']), [
      { sha256: 'one', file: 0, start: 0, end: CHUNK_BYTES },
      { sha256: 'three', file: 2, start: 0, end: 9 },
    ]);
    assert.deepEqual(piecesToSend(files, []), []);
    assert.deepEqual(piecesToSend(files, ['two']), [
      { sha256: 'two', file: 0, start: CHUNK_BYTES, end: CHUNK_BYTES + 5 },
    ]);
  });
});
