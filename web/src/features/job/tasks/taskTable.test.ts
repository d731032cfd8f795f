// The table counts right whatever order rows come in, ignores what is old, and says exactly what changed.
import { describe, expect, it } from 'vitest';
import { packTasks } from '@/api/packedTasks';
import type { TaskRow, TaskState } from '@/api/types';
import { DELIVERED, TaskTable, VERIFIED, WAITING } from './taskTable';

function row(id: number, state: TaskState, rev: number, more: Partial<TaskRow> = {}): TaskRow {
  const tile = { x: id * 10, y: 0, width: 10, height: 10 };
  return { id, frame: 1, tile, slice: 0, slices: 1, state, node: null, permille: 0, attempts: 0, rev, ...more };
}

describe('TaskTable', () => {
  it('keeps counts by state, frame and node', () => {
    const table = new TaskTable();
    table.apply(
      packTasks([
        row(0, 'waiting', 1),
        row(1, 'rendering', 2, { node: 'a' }),
        row(2, 'verified', 3, { frame: 7, node: 'a' }),
      ]),
    );
    expect(table.frames).toEqual([1, 7]);
    expect([table.totals[WAITING], table.totals[VERIFIED]]).toEqual([1, 1]);
    expect(table.inState(table.slotOf(7)!, VERIFIED)).toBe(1);
    expect([table.nodeBusy[1], table.nodeVerified[1]]).toEqual([1, 1]);
    table.apply(packTasks([row(1, 'verified', 9, { node: 'b' })]));
    expect([table.nodeBusy[1], table.nodeVerified[1], table.nodeVerified[2]]).toEqual([0, 1, 1]);
    expect(table.totals.reduce((sum, n) => sum + n, 0)).toBe(3);
    expect(table.revision).toBe(9);
  });

  it('ignores a row older than what it knows', () => {
    const table = new TaskTable();
    table.apply(packTasks([row(0, 'verified', 5)]));
    expect(table.apply(packTasks([row(0, 'rendering', 4), row(0, 'rendering', 5)]))).toBe(0);
    expect(table.stateName(0)).toBe('verified');
  });

  it('tells each drawer what changed, once', () => {
    const table = new TaskTable();
    let calls = 0;
    const { dirty, stop } = table.watch(() => (calls += 1));
    table.apply(packTasks([row(0, 'waiting', 1), row(1, 'waiting', 1)]));
    expect(dirty.all).toBe(true);
    dirty.clear();
    table.apply(packTasks([row(1, 'given', 2), row(1, 'rendering', 3), row(0, 'waiting', 1)]));
    expect(dirty.tasks).toEqual([1]);
    expect(dirty.frames).toEqual([0]);
    dirty.clear();
    expect(dirty.empty).toBe(true);
    stop();
    table.apply(packTasks([row(1, 'delivered', 4)]));
    expect(dirty.empty).toBe(true);
    expect(calls).toBe(2);
    expect(table.totals[DELIVERED]).toBe(1);
  });

  it('grows past its first capacity', () => {
    const table = new TaskTable();
    const rows = Array.from({ length: 10_000 }, (_, id) => row(id, 'waiting', 1, { frame: Math.floor(id / 4) + 1 }));
    const { dirty } = table.watch(() => {});
    table.apply(packTasks(rows));
    dirty.clear();
    table.apply(packTasks([row(9_999, 'verified', 2, { frame: 2500, node: 'z' })]));
    expect(table.count).toBe(10_000);
    expect(table.tasksOf(2500)).toEqual([9996, 9997, 9998, 9999]);
    expect(dirty.tasks).toEqual([9_999]);
    expect(table.inState(table.slotOf(2500)!, VERIFIED)).toBe(1);
  });
});
