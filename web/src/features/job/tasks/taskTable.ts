// All tasks of a job as columns of numbers, outside React: ten thousand rows cost a few hundred kilobytes and a thousand
// changes well under a millisecond. Who draws asks for a `Dirty` and learns which tasks and frames changed since.
import {
  ATTEMPTS,
  FRAME,
  HEIGHT,
  ID,
  NODE,
  type PackedTasks,
  PERMILLE,
  REV,
  SLICE,
  SLICES,
  STATE,
  STRIDE,
  TASK_STATES,
  WIDTH,
  X,
  Y,
} from '@/api/packedTasks';
import type { TaskState } from '@/api/types';

/** The states by their number, as `TASK_STATES` orders them. */
export const WAITING = 0;
export const GIVEN = 1;
export const RENDERING = 2;
export const DELIVERED = 3;
export const AUDITING = 4;
export const VERIFIED = 5;
export const FAILED = 6;
const STATES = TASK_STATES.length;

const FIRST_CAPACITY = 256;

/** What changed since it was last emptied: indices of tasks, slots of frames, each once. */
export class Dirty {
  readonly tasks: number[] = [];
  readonly frames: number[] = [];
  private taskSeen = new Uint8Array(FIRST_CAPACITY);
  private frameSeen = new Uint8Array(FIRST_CAPACITY);
  /** New rows came: positions and frames may all be different. */
  all = true;

  mark(task: number, frame: number): void {
    if (this.all) return;
    if (task >= this.taskSeen.length) this.taskSeen = grown(this.taskSeen, task);
    if (frame >= this.frameSeen.length) this.frameSeen = grown(this.frameSeen, frame);
    if (this.taskSeen[task] === 0) {
      this.taskSeen[task] = 1;
      this.tasks.push(task);
    }
    if (this.frameSeen[frame] === 0) {
      this.frameSeen[frame] = 1;
      this.frames.push(frame);
    }
  }

  clear(): void {
    for (const task of this.tasks) this.taskSeen[task] = 0;
    for (const frame of this.frames) this.frameSeen[frame] = 0;
    this.tasks.length = 0;
    this.frames.length = 0;
    this.all = false;
  }

  get empty(): boolean {
    return !this.all && this.tasks.length === 0;
  }
}

type Column = Uint8Array | Uint16Array | Int32Array | Float64Array;
function grown<C extends Column>(column: C, index: number): C {
  const larger = new (column.constructor as new (length: number) => C)(Math.max(column.length * 2, index + 1));
  larger.set(column as never);
  return larger;
}

export class TaskTable {
  count = 0;
  /** The greatest revision seen: what to ask the node for next. */
  revision = 0;
  id = new Int32Array(FIRST_CAPACITY);
  /** Slot of the task's frame in `frames`. */
  frameSlot = new Int32Array(FIRST_CAPACITY);
  x = new Int32Array(FIRST_CAPACITY);
  y = new Int32Array(FIRST_CAPACITY);
  width = new Int32Array(FIRST_CAPACITY);
  height = new Int32Array(FIRST_CAPACITY);
  slice = new Uint16Array(FIRST_CAPACITY);
  slices = new Uint16Array(FIRST_CAPACITY);
  state = new Uint8Array(FIRST_CAPACITY);
  /** Index in `nodes`; 0 means no node. */
  node = new Uint16Array(FIRST_CAPACITY);
  permille = new Uint16Array(FIRST_CAPACITY);
  attempts = new Uint16Array(FIRST_CAPACITY);
  rev = new Float64Array(FIRST_CAPACITY);
  readonly nodes: string[] = [''];
  /** Frame numbers by slot, in the order they were first seen. */
  readonly frames: number[] = [];
  /** Tasks by state, of the whole job and (STATES per slot) of each frame. */
  readonly totals = new Int32Array(STATES);
  perFrame = new Int32Array(FIRST_CAPACITY * STATES);
  /** Tasks at work and tasks verified, by node index. */
  nodeBusy = new Int32Array(FIRST_CAPACITY);
  nodeVerified = new Int32Array(FIRST_CAPACITY);

  private readonly indexOfId = new Map<number, number>();
  private readonly indexOfNode = new Map<string, number>();
  private readonly slotOfFrame = new Map<number, number>();
  private readonly tasksOfSlot: number[][] = [];
  private readonly watchers = new Set<Dirty>();
  private readonly listeners = new Set<() => void>();

  /** Starts noting changes for one drawer. `onChange` is called once per batch, not per task. */
  watch(onChange: () => void): { dirty: Dirty; stop: () => void } {
    const dirty = new Dirty();
    this.watchers.add(dirty);
    this.listeners.add(onChange);
    const stop = () => {
      this.watchers.delete(dirty);
      this.listeners.delete(onChange);
    };
    return { dirty, stop };
  }

  /** Takes rows of a page or an event, in any order; older revisions of a task are ignored. Returns how many counted. */
  apply({ rows, nodes }: PackedTasks): number {
    let changed = 0;
    const numbers = nodes.map((node) => (node === '' ? 0 : this.nodeNumber(node)));
    for (let at = 0; at < rows.length; at += STRIDE) {
      const rev = rows[at + REV]!;
      if (rev > this.revision) this.revision = rev;
      let index = this.indexOfId.get(rows[at + ID]!);
      if (index === undefined) index = this.add(rows, at);
      else if (rev <= this.rev[index]!) continue;
      this.change(index, rows, at, numbers[rows[at + NODE]!] ?? 0);
      changed += 1;
    }
    if (changed > 0) for (const listener of this.listeners) listener();
    return changed;
  }

  private add(rows: Float64Array, at: number): number {
    const index = this.count;
    if (index >= this.id.length) this.grow(index);
    this.count += 1;
    this.indexOfId.set(rows[at + ID]!, index);
    const slot = this.slotFor(rows[at + FRAME]!);
    this.tasksOfSlot[slot]!.push(index);
    this.id[index] = rows[at + ID]!;
    this.frameSlot[index] = slot;
    this.x[index] = rows[at + X]!;
    this.y[index] = rows[at + Y]!;
    this.width[index] = rows[at + WIDTH]!;
    this.height[index] = rows[at + HEIGHT]!;
    this.slice[index] = rows[at + SLICE]!;
    this.slices[index] = rows[at + SLICES]!;
    this.state[index] = WAITING;
    this.totals[WAITING]! += 1;
    this.perFrame[slot * STATES]! += 1;
    for (const dirty of this.watchers) dirty.all = true;
    return index;
  }

  private change(index: number, rows: Float64Array, at: number, node: number): void {
    const slot = this.frameSlot[index]!;
    const before = this.state[index]!;
    const after = rows[at + STATE]!;
    this.countNode(index, -1);
    this.totals[before]! -= 1;
    this.perFrame[slot * STATES + before]! -= 1;
    this.totals[after]! += 1;
    this.perFrame[slot * STATES + after]! += 1;
    this.state[index] = after;
    this.node[index] = node;
    this.permille[index] = rows[at + PERMILLE]!;
    this.attempts[index] = rows[at + ATTEMPTS]!;
    this.rev[index] = rows[at + REV]!;
    this.countNode(index, 1);
    for (const dirty of this.watchers) dirty.mark(index, slot);
  }

  private countNode(index: number, by: number): void {
    const node = this.node[index]!;
    const state = this.state[index]!;
    if (node === 0) return;
    if (state === VERIFIED) this.nodeVerified[node]! += by;
    else if (state !== WAITING && state !== FAILED) this.nodeBusy[node]! += by;
  }

  private nodeNumber(id: string): number {
    let number = this.indexOfNode.get(id);
    if (number === undefined) {
      number = this.nodes.push(id) - 1;
      this.indexOfNode.set(id, number);
      if (number >= this.nodeBusy.length) {
        this.nodeBusy = grown(this.nodeBusy, number);
        this.nodeVerified = grown(this.nodeVerified, number);
      }
    }
    return number;
  }

  private slotFor(frame: number): number {
    let slot = this.slotOfFrame.get(frame);
    if (slot === undefined) {
      slot = this.frames.push(frame) - 1;
      this.slotOfFrame.set(frame, slot);
      this.tasksOfSlot.push([]);
      if ((slot + 1) * STATES > this.perFrame.length) this.perFrame = grown(this.perFrame, (slot + 1) * STATES);
    }
    return slot;
  }

  private grow(index: number): void {
    this.id = grown(this.id, index);
    this.frameSlot = grown(this.frameSlot, index);
    this.x = grown(this.x, index);
    this.y = grown(this.y, index);
    this.width = grown(this.width, index);
    this.height = grown(this.height, index);
    this.slice = grown(this.slice, index);
    this.slices = grown(this.slices, index);
    this.state = grown(this.state, index);
    this.node = grown(this.node, index);
    this.permille = grown(this.permille, index);
    this.attempts = grown(this.attempts, index);
    this.rev = grown(this.rev, index);
  }

  indexOf(task: number): number | undefined {
    return this.indexOfId.get(task);
  }
  slotOf(frame: number): number | undefined {
    return this.slotOfFrame.get(frame);
  }
  /** Indices of the tasks of a frame. */
  tasksOf(frame: number): readonly number[] {
    const slot = this.slotOfFrame.get(frame);
    return slot === undefined ? [] : this.tasksOfSlot[slot]!;
  }
  /** How many tasks of a frame are in a state. */
  inState(slot: number, state: number): number {
    return this.perFrame[slot * STATES + state]!;
  }
  sizeOf(slot: number): number {
    return this.tasksOfSlot[slot]!.length;
  }
  stateName(index: number): TaskState {
    return TASK_STATES[this.state[index]!]!;
  }
}
