// Side by side, both halves speak about the same point of the picture.
import { describe, expect, it } from 'vitest';
import { halvesOf, intoFirst } from './comparePainter';

describe('halves', () => {
  it('split the longer side', () => {
    expect(halvesOf('side', { width: 1001, height: 400 })).toEqual({
      size: { width: 500, height: 400 },
      second: { x: 500, y: 0 },
    });
    expect(halvesOf('side', { width: 300, height: 800 }).second).toEqual({ x: 0, y: 400 });
    expect(halvesOf('wipe', { width: 300, height: 800 }).size).toEqual({ width: 300, height: 800 });
  });

  it('bring points of the second half into the first', () => {
    const halves = halvesOf('side', { width: 1000, height: 400 });
    expect(intoFirst(halves, { x: 620, y: 30 })).toEqual({ x: 120, y: 30 });
    expect(intoFirst(halves, { x: 120, y: 30 })).toEqual({ x: 120, y: 30 });
    expect(intoFirst(halvesOf('wipe', { width: 9, height: 9 }), { x: 7, y: 8 })).toEqual({ x: 7, y: 8 });
  });
});
