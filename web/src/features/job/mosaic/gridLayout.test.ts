// Regular grids are recognised, cut off at the edge or sliced; anything else is not.
import { describe, expect, it } from 'vitest';
import { packTasks } from '@/api/packedTasks';
import type { TaskRow } from '@/api/types';
import { TaskTable } from '../tasks/taskTable';
import { gridLayout } from './gridLayout';

function tableOf(tiles: [number, number, number, number][], slices = 1): TaskTable {
  const table = new TaskTable();
  const rows: TaskRow[] = [];
  for (const [x, y, width, height] of tiles)
    for (let slice = 0; slice < slices; slice += 1) {
      const tile = { x, y, width, height };
      rows.push({
        id: rows.length,
        frame: 1,
        tile,
        slice,
        slices,
        state: 'waiting',
        node: null,
        permille: 0,
        attempts: 0,
        rev: 1,
      });
    }
  table.apply(packTasks(rows));
  return table;
}

describe('gridLayout', () => {
  it('recognises a grid that is cut off at the edges', () => {
    const table = tableOf([
      [0, 0, 64, 64],
      [64, 0, 36, 64],
      [0, 64, 64, 20],
      [64, 64, 36, 20],
    ]);
    const grid = gridLayout(table, table.tasksOf(1))!;
    expect([grid.columns, grid.rows, grid.squareWidth, grid.squareHeight]).toEqual([2, 2, 64, 64]);
    expect([...grid.squares]).toEqual([0, 1, 2, 3]);
  });

  it('gives slices squares of their own', () => {
    const table = tableOf(
      [
        [0, 0, 60, 40],
        [60, 0, 60, 40],
      ],
      3,
    );
    const grid = gridLayout(table, table.tasksOf(1))!;
    expect([grid.columns, grid.squareWidth]).toEqual([6, 20]);
    expect([...grid.squares]).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it('refuses what is no grid', () => {
    const uneven = tableOf([
      [0, 0, 64, 64],
      [64, 0, 30, 64],
      [94, 0, 34, 64],
    ]);
    expect(gridLayout(uneven, uneven.tasksOf(1))).toBeNull();
    const shifted = tableOf([
      [0, 0, 64, 64],
      [70, 0, 64, 64],
    ]);
    expect(gridLayout(shifted, shifted.tasksOf(1))).toBeNull();
    expect(gridLayout(new TaskTable(), [])).toBeNull();
  });
});
