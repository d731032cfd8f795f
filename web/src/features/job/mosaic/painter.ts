// How one task looks on the mosaic. Cells are device pixels, snapped so that neighbours share their edges: a cell can be
// cleared and painted alone. What is verified shows the bare picture; what is at work wears its node's colour.
import type { Viewport } from '@/features/picture/viewport';
import { AUDITING, DELIVERED, FAILED, GIVEN, RENDERING, type TaskTable, VERIFIED, WAITING } from '../tasks/taskTable';

export type Overlay = 'tasks' | 'nodes' | 'none';

export interface Cell {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Look {
  overlay: Overlay;
  /** Index of the node to bring out, 0 for none. */
  node: number;
  /** CSS colours of the table's nodes, by index. */
  nodeColours: readonly string[];
  line: string;
  bad: string;
  /** Device pixels per CSS pixel: lines have the same weight on every screen. */
  ratio: number;
}

/** Below this many CSS pixels a cell is a plain patch: outlines would be all there is to see. */
const DETAIL_CSS_PX = 9;
const BRACKET_SHARE = 0.28;
const BRACKET_CSS_PX = 14;
const DIMMED = 0.2;
/** How strong the grid of what waits is. */
const EDGE = 0.55;
/** How strongly verified cells are tinted with their node's colour, and those of the node brought out. */
const TINT = 0.5;
const CHOSEN = 0.62;

/** Writes the task's place on the canvas into `cell`. Slices of one tile stand side by side. */
export function placeCell(table: TaskTable, index: number, view: Viewport, cell: Cell): Cell {
  const { scale } = view;
  const slices = table.slices[index]! || 1;
  const slice = table.slice[index]!;
  const width = table.width[index]! / slices;
  const left = table.x[index]! + width * slice;
  const top = table.y[index]!;
  cell.x = Math.round(view.x + left * scale);
  cell.y = Math.round(view.y + top * scale);
  cell.width = Math.max(1, Math.round(view.x + (left + width) * scale) - cell.x);
  cell.height = Math.max(1, Math.round(view.y + (top + table.height[index]!) * scale) - cell.y);
  return cell;
}

/** How strongly a small cell is filled, by state. */
const PATCH = [0, 0.25, 0.75, 0.5, 0.4, 0, 0.9];
/** How strongly a large cell is filled beneath its outline. */
const WASH = [0, 0.12, 0.16, 0.06, 0.1, 0, 0.18];

/** Cells smaller than this (device pixels) are drawn as patches. */
export function detailFrom(ratio: number): number {
  return DETAIL_CSS_PX * ratio;
}

const patch = { colour: '', alpha: 0 };
/** Colour and strength of a small cell. The answer is one object, used again for the next call. */
export function patchOf(
  table: TaskTable,
  index: number,
  look: Look,
): { readonly colour: string; readonly alpha: number } {
  const state = table.state[index]!;
  const node = table.node[index]!;
  const dim = look.node !== 0 && look.node !== node ? DIMMED : 1;
  patch.colour = state === FAILED ? look.bad : (look.nodeColours[node] ?? look.line);
  patch.alpha = look.overlay === 'none' ? 0 : PATCH[state]! * dim;
  if (state === VERIFIED && look.overlay !== 'none') {
    const chosen = look.node !== 0 && look.node === node;
    patch.alpha = chosen ? CHOSEN : look.overlay === 'nodes' ? TINT * dim : 0;
  }
  return patch;
}

export function paintCell(
  ctx: CanvasRenderingContext2D,
  table: TaskTable,
  index: number,
  cell: Cell,
  look: Look,
): void {
  if (look.overlay === 'none') return;
  const state = table.state[index]!;
  const node = table.node[index]!;
  const small = Math.min(cell.width, cell.height) < detailFrom(look.ratio);
  const dim = look.node !== 0 && look.node !== node ? DIMMED : 1;
  const { x, y, width, height } = cell;

  if (state === WAITING) {
    // Slices of one tile share its pixels: lines between them would cross what is already there.
    const last = table.slice[index]! === (table.slices[index]! || 1) - 1;
    if (!small) edge(ctx, cell, look.line, last);
    return;
  }
  const colour = state === FAILED ? look.bad : (look.nodeColours[node] ?? look.line);
  ctx.fillStyle = colour;
  if (state === VERIFIED) {
    const chosen = look.node !== 0 && look.node === node;
    if (look.overlay === 'nodes' || chosen) {
      ctx.globalAlpha = chosen ? CHOSEN : TINT * dim;
      ctx.fillRect(x, y, width, height);
      ctx.globalAlpha = 1;
    }
    return;
  }
  ctx.globalAlpha = (small ? PATCH[state]! : WASH[state]!) * dim;
  ctx.fillRect(x, y, width, height);
  if (!small) {
    ctx.globalAlpha = dim;
    if (state === RENDERING) brackets(ctx, cell, look.ratio, table.permille[index]!);
    else outline(ctx, cell, look.ratio, state);
  }
  ctx.globalAlpha = 1;
}

/** The grid of what waits: one line at the right and the foot, so that shared edges are drawn once. */
function edge(ctx: CanvasRenderingContext2D, cell: Cell, colour: string, right: boolean): void {
  ctx.fillStyle = colour;
  ctx.globalAlpha = EDGE;
  ctx.fillRect(cell.x, cell.y + cell.height - 1, cell.width - (right ? 1 : 0), 1);
  if (right) ctx.fillRect(cell.x + cell.width - 1, cell.y, 1, cell.height);
  ctx.globalAlpha = 1;
}

/** Blender marks a tile at work by its corners; the line at the foot is how far it is. */
function brackets(ctx: CanvasRenderingContext2D, cell: Cell, ratio: number, permille: number): void {
  const weight = Math.max(1, Math.round(1.5 * ratio));
  const inset = weight;
  const left = cell.x + inset;
  const top = cell.y + inset;
  const right = cell.x + cell.width - inset;
  const bottom = cell.y + cell.height - inset;
  const arm = Math.round(Math.min(BRACKET_CSS_PX * ratio, Math.min(cell.width, cell.height) * BRACKET_SHARE));
  ctx.fillRect(left, top, arm, weight);
  ctx.fillRect(left, top, weight, arm);
  ctx.fillRect(right - arm, top, arm, weight);
  ctx.fillRect(right - weight, top, weight, arm);
  ctx.fillRect(left, bottom - weight, arm, weight);
  ctx.fillRect(left, bottom - arm, weight, arm);
  ctx.fillRect(right - arm, bottom - weight, arm, weight);
  ctx.fillRect(right - weight, bottom - arm, weight, arm);
  const room = right - left - 2 * weight;
  ctx.fillRect(left + weight, bottom - 3 * weight, Math.round((room * permille) / 1000), weight);
}

/** given: a thin frame; delivered: a firm frame; auditing: a double frame; failed: a firm frame and a cross. */
function outline(ctx: CanvasRenderingContext2D, cell: Cell, ratio: number, state: number): void {
  const weight = Math.max(1, Math.round((state === GIVEN ? 1 : 1.5) * ratio));
  frame(ctx, cell, weight, weight);
  if (state === AUDITING) frame(ctx, cell, weight * 3, weight);
  if (state === DELIVERED || state !== FAILED) return;
  const arm = Math.min(cell.width, cell.height) * 0.18;
  const middleX = cell.x + cell.width / 2;
  const middleY = cell.y + cell.height / 2;
  ctx.strokeStyle = ctx.fillStyle;
  ctx.lineWidth = weight;
  ctx.beginPath();
  ctx.moveTo(middleX - arm, middleY - arm);
  ctx.lineTo(middleX + arm, middleY + arm);
  ctx.moveTo(middleX + arm, middleY - arm);
  ctx.lineTo(middleX - arm, middleY + arm);
  ctx.stroke();
}

function frame(ctx: CanvasRenderingContext2D, cell: Cell, inset: number, weight: number): void {
  const width = cell.width - 2 * inset;
  const height = cell.height - 2 * inset;
  if (width <= 2 * weight || height <= 2 * weight) return;
  const x = cell.x + inset;
  const y = cell.y + inset;
  ctx.fillRect(x, y, width, weight);
  ctx.fillRect(x, y + height - weight, width, weight);
  ctx.fillRect(x, y + weight, weight, height - 2 * weight);
  ctx.fillRect(x + width - weight, y + weight, weight, height - 2 * weight);
}

/** Which of these tasks lies under a point of the picture, −1 if none. */
export function taskAt(table: TaskTable, tasks: readonly number[], x: number, y: number): number {
  for (const index of tasks) {
    const width = table.width[index]! / (table.slices[index]! || 1);
    const left = table.x[index]! + width * table.slice[index]!;
    const top = table.y[index]!;
    if (x >= left && x < left + width && y >= top && y < top + table.height[index]!) return index;
  }
  return -1;
}

/** The task next to this one in a direction: the nearest whose middle lies that way, more ahead than aside. */
export function neighbour(table: TaskTable, tasks: readonly number[], from: number, dx: number, dy: number): number {
  const middle = (index: number) => {
    const width = table.width[index]! / (table.slices[index]! || 1);
    return { x: table.x[index]! + width * (table.slice[index]! + 0.5), y: table.y[index]! + table.height[index]! / 2 };
  };
  const here = middle(from);
  let best = from;
  let least = Infinity;
  for (const index of tasks) {
    const there = middle(index);
    const ahead = (there.x - here.x) * dx + (there.y - here.y) * dy;
    const aside = Math.abs((there.x - here.x) * dy) + Math.abs((there.y - here.y) * dx);
    if (ahead <= 0 || aside > ahead) continue;
    if (ahead + 2 * aside < least) {
      least = ahead + 2 * aside;
      best = index;
    }
  }
  return best;
}
