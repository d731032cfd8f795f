// The overlay of very fine mosaics: one pixel per task on a small canvas that the browser's compositor enlarges. A thousand
// changes cost a thousand writes into an array, and moving the picture costs nothing.
import type { Viewport } from '@/features/picture/viewport';
import type { TaskTable } from '../tasks/taskTable';
import { type GridLayout, gridLayout } from './gridLayout';
import { type Look, patchOf } from './painter';

const OPAQUE = 255;

/** Any CSS colour as the canvas writes it: 0xBBGGRR (little-endian RGB). */
function colourReader(): (css: string) => number {
  const canvas = document.createElement('canvas');
  canvas.width = 1;
  canvas.height = 1;
  const ctx = canvas.getContext('2d', { willReadFrequently: true })!;
  const known = new Map<string, number>();
  return (css) => {
    let value = known.get(css);
    if (value === undefined) {
      ctx.fillStyle = css;
      ctx.fillRect(0, 0, 1, 1);
      const [r, g, b] = ctx.getImageData(0, 0, 1, 1).data;
      value = r! | (g! << 8) | (b! << 16);
      known.set(css, value);
    }
    return value;
  };
}

export class GridOverlay {
  private readonly ctx: CanvasRenderingContext2D;
  private readonly table: TaskTable;
  private readonly read = colourReader();
  private layout: GridLayout | null = null;
  private frame = 0;
  private count = -1;
  private image: ImageData | null = null;
  private pixels = new Uint32Array(0);
  /** Square of a task by its index in the table; valid for tasks of `frame`. */
  private squareOf = new Int32Array(0);

  constructor(canvas: HTMLCanvasElement, table: TaskTable) {
    this.ctx = canvas.getContext('2d')!;
    this.table = table;
  }

  /** Brings the layout up to date; the size of one square in picture pixels, or null if the frame is no grid. */
  prepare(frame: number): { width: number; height: number } | null {
    const tasks = this.table.tasksOf(frame);
    if (frame !== this.frame || tasks.length !== this.count) {
      this.frame = frame;
      this.count = tasks.length;
      this.layout = gridLayout(this.table, tasks);
      if (this.layout) this.allocate(this.layout, tasks);
    }
    return this.layout && { width: this.layout.squareWidth, height: this.layout.squareHeight };
  }

  private allocate({ columns, rows, squares }: GridLayout, tasks: readonly number[]): void {
    const { canvas } = this.ctx;
    canvas.width = columns;
    canvas.height = rows;
    this.image = this.ctx.createImageData(columns, rows);
    this.pixels = new Uint32Array(this.image.data.buffer);
    if (this.squareOf.length < this.table.count) this.squareOf = new Int32Array(this.table.count);
    for (let i = 0; i < tasks.length; i += 1) this.squareOf[tasks[i]!] = squares[i]!;
  }

  /** Where the grid lies now; the compositor does the rest. */
  place(view: Viewport, picture: { width: number; height: number }, ratio: number): void {
    const { layout } = this;
    if (!layout) return;
    const scale = view.scale / ratio;
    const width = layout.columns * layout.squareWidth * scale;
    const height = layout.rows * layout.squareHeight * scale;
    const { style } = this.ctx.canvas;
    style.width = `${width}px`;
    style.height = `${height}px`;
    style.transform = `translate(${view.x / ratio}px, ${view.y / ratio}px)`;
    style.clipPath = `inset(0 ${Math.max(0, width - picture.width * scale)}px ${Math.max(0, height - picture.height * scale)}px 0)`;
  }

  all(look: Look): void {
    if (!this.image) return;
    this.pixels.fill(0);
    for (const index of this.table.tasksOf(this.frame)) this.set(index, look);
    this.ctx.putImageData(this.image, 0, 0);
  }

  some(indices: readonly number[], look: Look): void {
    if (!this.image) return;
    const slot = this.table.slotOf(this.frame);
    let changed = false;
    for (const index of indices) {
      if (this.table.frameSlot[index] !== slot) continue;
      this.set(index, look);
      changed = true;
    }
    if (changed) this.ctx.putImageData(this.image, 0, 0);
  }

  private set(index: number, look: Look): void {
    const { colour, alpha } = patchOf(this.table, index, look);
    const value = alpha === 0 ? 0 : (this.read(colour) | (Math.round(alpha * OPAQUE) << 24)) >>> 0;
    this.pixels[this.squareOf[index]!] = value;
  }
}
