// The slider begins at what was quoted, and its line is the curve's.
import { describe, expect, it } from 'vitest';
import { nearestPoint, places } from './curve';

const point = (budget: string, time_s: number) => ({ budget, time_s, providers: 1 });

describe('the curve of a quote', () => {
  it('finds the quoted point among amounts beyond the precision of numbers', () => {
    const curve = [point('9007199254740993000', 9), point('9007199254740993001', 8), point('9007199254740993003', 7)];
    expect(nearestPoint(curve, '9007199254740993001')).toBe(1);
    expect(nearestPoint(curve, '1')).toBe(0);
    expect(nearestPoint(curve, '99999999999999999999')).toBe(2);
  });

  it('runs from the slowest on top to the quickest', () => {
    expect(places([point('1', 100), point('2', 50), point('3', 25)])).toEqual([
      { x: 0, y: 0 },
      { x: 0.5, y: 0.5 },
      { x: 1, y: 0.75 },
    ]);
    expect(places([point('1', 0)])).toEqual([{ x: 0, y: 1 }]);
  });
});
