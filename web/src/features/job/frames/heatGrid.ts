// How the overview of all frames is laid out: as many columns as let every frame be seen at once. Pure.

export interface HeatGrid {
  columns: number;
  rows: number;
  /** Of one cell, gap included, in the same unit as the room. */
  cellWidth: number;
  cellHeight: number;
}

/** No cell is drawn larger than this many CSS pixels wide: ten frames are no wall. */
export const LARGEST_CELL = 132;

/** The largest cells of the picture's shape that fit all frames into the room. */
export function layOut(frames: number, aspect: number, width: number, height: number, largest: number): HeatGrid {
  let best: HeatGrid = { columns: 1, rows: frames, cellWidth: 0, cellHeight: 0 };
  for (let columns = 1; columns <= frames; columns += 1) {
    const rows = Math.ceil(frames / columns);
    const cellWidth = Math.min(largest, width / columns, (height / rows) * aspect);
    if (cellWidth > best.cellWidth) best = { columns, rows, cellWidth, cellHeight: cellWidth / aspect };
  }
  return best;
}

/** Which frame lies at a point of the grid, −1 if none. */
export function frameAt(grid: HeatGrid, frames: number, x: number, y: number): number {
  const column = Math.floor(x / grid.cellWidth);
  const row = Math.floor(y / grid.cellHeight);
  const at = row * grid.columns + column;
  return column < 0 || column >= grid.columns || row < 0 || at >= frames ? -1 : at;
}
