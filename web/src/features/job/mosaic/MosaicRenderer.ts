// Draws the mosaic: the frame's picture on one canvas, its tasks on another above it (on a small one where they are fine). Changes are noted as they come and
// drawn once per animation frame; when nothing moved, only the cells that changed are painted.

import type { Shown } from '@/features/picture/LivePreview';
import { nodeColour } from '@/features/picture/nodeColours';
import type { PanZoom } from '@/features/picture/PanZoom';
import type { Dirty, TaskTable } from '../tasks/taskTable';
import { GridOverlay } from './GridOverlay';
import { type Cell, detailFrom, type Look, type Overlay, paintCell, placeCell } from './painter';

export interface MosaicLook {
  overlay: Overlay;
  /** Id of the node to bring out. */
  node: string | null;
}

export class MosaicRenderer {
  frame = 0;
  private readonly base: CanvasRenderingContext2D;
  private readonly over: CanvasRenderingContext2D;
  private readonly fine: GridOverlay;
  private readonly fineCanvas: HTMLCanvasElement;
  private isFine = false;
  private readonly table: TaskTable;
  private readonly panZoom: PanZoom;
  private readonly dirty: Dirty;
  private readonly stops: (() => void)[] = [];
  private picture: Shown | null = null;
  private look: Look = { overlay: 'tasks', node: 0, nodeColours: [], line: '', bad: '', ratio: 1 };
  private highlight: string | null = null;
  private paper = '';
  private baseStale = true;
  /** The picture moved: cells lie elsewhere. */
  private overStale = true;
  /** Another frame, theme, overlay or chosen node: cells look different. */
  private lookStale = true;
  private scheduled = 0;
  private readonly cell: Cell = { x: 0, y: 0, width: 0, height: 0 };
  /** Called after drawing, for what follows the cells (the cursor, the tip). */
  onDrawn: (() => void) | null = null;
  /** Called when tasks of the shown frame changed, before drawing. */
  onTasks: (() => void) | null = null;

  constructor(
    base: HTMLCanvasElement,
    over: HTMLCanvasElement,
    fine: HTMLCanvasElement,
    table: TaskTable,
    panZoom: PanZoom,
  ) {
    this.base = base.getContext('2d', { alpha: true })!;
    this.over = over.getContext('2d', { alpha: true })!;
    this.fine = new GridOverlay(fine, table);
    this.fineCanvas = fine;
    this.table = table;
    this.panZoom = panZoom;
    const watch = table.watch(() => this.schedule());
    this.dirty = watch.dirty;
    this.stops.push(
      watch.stop,
      panZoom.onChange(() => this.redraw()),
    );
    this.readColours();
  }

  stop(): void {
    for (const each of this.stops) each();
    cancelAnimationFrame(this.scheduled);
  }

  /** The theme changed. */
  readColours(): void {
    const style = getComputedStyle(document.documentElement);
    this.look.line = style.getPropertyValue('--stage-line').trim();
    this.look.bad = style.getPropertyValue('--bad-fill').trim();
    this.paper = style.getPropertyValue('--stage-paper').trim();
    this.lookStale = true;
    this.redraw();
  }

  resize(width: number, height: number): void {
    for (const { canvas } of [this.base, this.over]) {
      if (canvas.width !== width) canvas.width = width;
      if (canvas.height !== height) canvas.height = height;
    }
    this.look.ratio = devicePixelRatio;
    this.panZoom.resize({ width, height });
  }

  setFrame(frame: number): void {
    if (frame === this.frame) return;
    this.frame = frame;
    this.lookStale = true;
    this.redraw();
  }

  setLook({ overlay, node }: MosaicLook): void {
    this.look.overlay = overlay;
    this.highlight = node;
    this.lookStale = true;
    this.schedule();
  }

  setPicture(picture: Shown | null): void {
    this.picture = picture;
    this.baseStale = true;
    this.schedule();
  }

  redraw(): void {
    this.baseStale = true;
    this.overStale = true;
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled === 0) this.scheduled = requestAnimationFrame(() => this.draw());
  }

  private draw(): void {
    this.scheduled = 0;
    const { table, look, dirty } = this;
    while (look.nodeColours.length < table.nodes.length) {
      const id = table.nodes[look.nodeColours.length]!;
      (look.nodeColours as string[]).push(id === '' ? '' : nodeColour(id));
    }
    look.node = this.highlight === null ? 0 : Math.max(0, table.nodes.indexOf(this.highlight));
    if (this.baseStale) this.drawBase();
    const tasksChanged = !dirty.empty;
    this.drawTasks();
    dirty.clear();
    this.baseStale = false;
    this.overStale = false;
    if (tasksChanged) this.onTasks?.();
    this.onDrawn?.();
  }

  private drawBase(): void {
    const { base, panZoom } = this;
    const { view, picture } = panZoom;
    base.clearRect(0, 0, base.canvas.width, base.canvas.height);
    const width = picture.width * view.scale;
    const height = picture.height * view.scale;
    base.fillStyle = this.paper;
    base.fillRect(Math.round(view.x), Math.round(view.y), Math.round(width), Math.round(height));
    if (!this.picture) return;
    const { bitmap } = this.picture;
    // Nearest neighbour once a pixel of the file is larger than one of the screen; a reduced preview is smoothed.
    const whole = bitmap.width >= picture.width;
    base.imageSmoothingEnabled = !(whole && view.scale > 1);
    base.imageSmoothingQuality = 'high';
    base.drawImage(bitmap, view.x, view.y, width, height);
  }

  private drawTasks(): void {
    const { dirty, look, panZoom } = this;
    const square = this.fine.prepare(this.frame);
    const { scale } = panZoom.view;
    const isFine = square !== null && Math.min(square.width, square.height) * scale < detailFrom(look.ratio);
    const all = this.overStale || this.lookStale || dirty.all;
    if (isFine !== this.isFine) {
      this.isFine = isFine;
      this.lookStale = true;
      this.fineCanvas.style.display = isFine ? 'block' : 'none';
      this.over.canvas.style.display = isFine ? 'none' : 'block';
    }
    if (isFine) {
      if (this.overStale) this.fine.place(panZoom.view, panZoom.picture, look.ratio);
      if (this.lookStale || dirty.all) this.fine.all(look);
      else this.fine.some(dirty.tasks, look);
    } else if (all) this.drawAll();
    else this.drawDirty();
    this.lookStale = false;
  }

  private drawAll(): void {
    const { over, table, look, cell } = this;
    const { view, canvas } = this.panZoom;
    over.clearRect(0, 0, over.canvas.width, over.canvas.height);
    for (const index of table.tasksOf(this.frame)) {
      placeCell(table, index, view, cell);
      const outside =
        cell.x > canvas.width || cell.y > canvas.height || cell.x + cell.width < 0 || cell.y + cell.height < 0;
      if (!outside) paintCell(over, table, index, cell, look);
    }
  }

  private drawDirty(): void {
    const { over, table, look, cell } = this;
    const { view } = this.panZoom;
    const slot = table.slotOf(this.frame);
    for (const index of this.dirty.tasks) {
      if (table.frameSlot[index] !== slot) continue;
      placeCell(table, index, view, cell);
      over.clearRect(cell.x, cell.y, cell.width, cell.height);
      paintCell(over, table, index, cell, look);
    }
  }

  /** Where a task is on the canvas, for what is placed over it. */
  place(index: number): Cell {
    return placeCell(this.table, index, this.panZoom.view, { x: 0, y: 0, width: 0, height: 0 });
  }
}
