// Every frame has its cell, and a point finds it.
import { describe, expect, it } from 'vitest';
import { frameAt, layOut } from './heatGrid';

describe('heat grid', () => {
  it.each([1, 7, 250, 10_000])('fits %i frames into the room', (frames) => {
    const grid = layOut(frames, 16 / 9, 800, 500, 132);
    expect(grid.columns * grid.rows).toBeGreaterThanOrEqual(frames);
    expect(grid.columns * grid.cellWidth).toBeLessThanOrEqual(800.001);
    expect(grid.rows * grid.cellHeight).toBeLessThanOrEqual(500.001);
    expect(grid.cellWidth).toBeGreaterThan(5);
  });

  it('finds frames by their place', () => {
    const grid = { columns: 10, rows: 3, cellWidth: 20, cellHeight: 10 };
    expect(frameAt(grid, 25, 25, 15)).toBe(11);
    expect(frameAt(grid, 25, 199, 9)).toBe(9);
    expect(frameAt(grid, 25, 201, 9)).toBe(-1);
    expect(frameAt(grid, 25, 105, 25)).toBe(-1);
  });
});
