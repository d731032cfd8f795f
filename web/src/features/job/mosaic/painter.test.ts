// Cells tile the picture without gaps, points find their task, arrows find the neighbour.
import { describe, expect, it } from 'vitest';
import { packTasks } from '@/api/packedTasks';
import type { TaskRow } from '@/api/types';
import { TaskTable } from '../tasks/taskTable';
import { neighbour, placeCell, taskAt } from './painter';

function grid(columns: number, rows: number, slices = 1): TaskTable {
  const table = new TaskTable();
  const made: TaskRow[] = [];
  for (let y = 0; y < rows; y += 1)
    for (let x = 0; x < columns; x += 1)
      for (let slice = 0; slice < slices; slice += 1) {
        const tile = { x: x * 100, y: y * 80, width: 100, height: 80 };
        made.push({
          id: made.length,
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
  table.apply(packTasks(made));
  return table;
}

describe('mosaic', () => {
  it('leaves no gap between neighbours at any scale', () => {
    const table = grid(3, 2);
    const view = { scale: 0.3337, x: 17.4, y: 3.9 };
    const cell = (index: number) => placeCell(table, index, view, { x: 0, y: 0, width: 0, height: 0 });
    expect(cell(0).x + cell(0).width).toBe(cell(1).x);
    expect(cell(1).y + cell(1).height).toBe(cell(4).y);
  });

  it('finds the task under a point, slices side by side', () => {
    const table = grid(2, 1, 4);
    const tasks = table.tasksOf(1);
    expect(taskAt(table, tasks, 130, 10)).toBe(5);
    expect(taskAt(table, tasks, 199.9, 79)).toBe(7);
    expect(taskAt(table, tasks, 201, 10)).toBe(-1);
  });

  it('moves to the neighbour and stays at the border', () => {
    const table = grid(3, 3);
    const tasks = table.tasksOf(1);
    expect(neighbour(table, tasks, 4, 1, 0)).toBe(5);
    expect(neighbour(table, tasks, 4, 0, -1)).toBe(1);
    expect(neighbour(table, tasks, 5, 1, 0)).toBe(5);
  });
});
