// Fitting, zooming and clamping keep their promises.
import { describe, expect, it } from 'vitest';
import { clamp, fitInto, MOST_SCALE, sideFor, toPicture, zoomAt } from './viewport';

const picture = { width: 1920, height: 1080 };
const canvas = { width: 960, height: 600 };

describe('viewport', () => {
  it('fits the picture into the middle', () => {
    expect(fitInto(picture, canvas)).toEqual({ scale: 0.5, x: 0, y: 30 });
    expect(fitInto(picture, canvas, 48).x).toBeCloseTo(48);
  });

  it('keeps the point under the pointer while zooming', () => {
    const view = fitInto(picture, canvas);
    const at = { x: 700, y: 200 };
    const before = toPicture(view, at);
    const after = toPicture(zoomAt(view, at, 3.7, view.scale), at);
    expect(after.x).toBeCloseTo(before.x);
    expect(after.y).toBeCloseTo(before.y);
  });

  it('stops zooming at both ends', () => {
    const view = fitInto(picture, canvas);
    expect(zoomAt(view, { x: 0, y: 0 }, 1e6, view.scale).scale).toBe(MOST_SCALE);
    expect(zoomAt(view, { x: 0, y: 0 }, 1e-6, view.scale).scale).toBe(0.25);
  });

  it('never loses the picture', () => {
    const lost = clamp({ scale: 0.5, x: 5000, y: -5000 }, picture, canvas);
    expect(lost).toEqual({ scale: 0.5, x: 810, y: -390 });
  });

  it('asks for a preview no larger than needed or than the picture', () => {
    expect(sideFor(picture, 0.5)).toBe(960);
    expect(sideFor(picture, 0.51)).toBe(1920);
    expect(sideFor(picture, 8)).toBe(1920);
    expect(sideFor({ width: 5000, height: 3000 }, 1)).toBe(5000);
  });
});
