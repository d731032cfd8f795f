// Task rows as one array of numbers, so that the event worker can hand thousands to the page without copying and without
// an object per row. Pure.
import type { TaskRow, TaskState } from './types';

export const TASK_STATES: readonly TaskState[] = [
  'waiting',
  'given',
  'rendering',
  'delivered',
  'auditing',
  'verified',
  'failed',
];
const stateNumber = new Map<string, number>(TASK_STATES.map((state, number) => [state, number]));

/** Where each value of a row stands. `NODE` is an index into `nodes`, 0 for no node. */
export const ID = 0;
export const FRAME = 1;
export const X = 2;
export const Y = 3;
export const WIDTH = 4;
export const HEIGHT = 5;
export const SLICE = 6;
export const SLICES = 7;
export const STATE = 8;
export const NODE = 9;
export const PERMILLE = 10;
export const ATTEMPTS = 11;
export const REV = 12;
export const STRIDE = 13;

export interface PackedTasks {
  /** STRIDE numbers a row; floats, since revisions may outgrow 32 bits. */
  rows: Float64Array<ArrayBuffer>;
  /** Ids of the nodes the rows speak of; the first is '' and means none. */
  nodes: string[];
}

export function packTasks(tasks: readonly TaskRow[]): PackedTasks {
  const rows = new Float64Array(tasks.length * STRIDE);
  const nodes = [''];
  const known = new Map<string, number>();
  let at = 0;
  for (const task of tasks) {
    let node = 0;
    if (task.node != null) {
      node = known.get(task.node) ?? 0;
      if (node === 0) {
        node = nodes.push(task.node) - 1;
        known.set(task.node, node);
      }
    }
    rows[at + ID] = task.id;
    rows[at + FRAME] = task.frame;
    rows[at + X] = task.tile.x;
    rows[at + Y] = task.tile.y;
    rows[at + WIDTH] = task.tile.width;
    rows[at + HEIGHT] = task.tile.height;
    rows[at + SLICE] = task.slice;
    rows[at + SLICES] = task.slices;
    // A state that this studio does not know yet counts as waiting.
    rows[at + STATE] = stateNumber.get(task.state) ?? 0;
    rows[at + NODE] = node;
    rows[at + PERMILLE] = task.permille;
    rows[at + ATTEMPTS] = task.attempts;
    rows[at + REV] = task.rev;
    at += STRIDE;
  }
  return { rows, nodes };
}
