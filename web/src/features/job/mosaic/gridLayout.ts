// Whether the tasks of a frame form a regular grid, and which square of it each one is. Pure.
import type { TaskTable } from '../tasks/taskTable';

export interface GridLayout {
  columns: number;
  rows: number;
  /** Size of one square in picture pixels; the last ones of a row or column may be cut off by the picture's edge. */
  squareWidth: number;
  squareHeight: number;
  /** Square (row × columns + column) of each task, in the order of the frame's tasks. */
  squares: Int32Array;
}

/** Null when tiles have different sizes inside the picture or stand out of line; such frames are drawn cell by cell. */
export function gridLayout(table: TaskTable, tasks: readonly number[]): GridLayout | null {
  let tileWidth = 0;
  let tileHeight = 0;
  let right = 0;
  let bottom = 0;
  const slices = tasks.length > 0 ? table.slices[tasks[0]!]! || 1 : 1;
  for (const index of tasks) {
    tileWidth = Math.max(tileWidth, table.width[index]!);
    tileHeight = Math.max(tileHeight, table.height[index]!);
    right = Math.max(right, table.x[index]! + table.width[index]!);
    bottom = Math.max(bottom, table.y[index]! + table.height[index]!);
  }
  if (tileWidth === 0 || tileHeight === 0) return null;
  const columns = Math.ceil(right / tileWidth) * slices;
  const rows = Math.ceil(bottom / tileHeight);
  if (columns * rows > tasks.length * 2 + 64) return null;
  const squares = new Int32Array(tasks.length);
  for (let i = 0; i < tasks.length; i += 1) {
    const index = tasks[i]!;
    const x = table.x[index]!;
    const y = table.y[index]!;
    const whole = x % tileWidth === 0 && y % tileHeight === 0;
    const cutOff =
      (table.width[index] === tileWidth || x + table.width[index]! === right) &&
      (table.height[index] === tileHeight || y + table.height[index]! === bottom);
    if (!whole || !cutOff || (table.slices[index]! || 1) !== slices) return null;
    squares[i] = (y / tileHeight) * columns + (x / tileWidth) * slices + table.slice[index]!;
  }
  return { columns, rows, squareWidth: tileWidth / slices, squareHeight: tileHeight, squares };
}
