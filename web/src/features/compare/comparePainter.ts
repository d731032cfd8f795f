// Draws two pictures for comparing: one wiped over the other, side by side, or their difference. Both lie on one viewport.
import type { Shown } from '@/features/picture/LivePreview';
import type { Point, Size, Viewport } from '@/features/picture/viewport';

export type Mode = 'wipe' | 'side' | 'difference';

export interface Halves {
  size: Size;
  /** Where the second picture's part of the canvas begins. */
  second: Point;
}

/** The parts of the canvas: in `side` two halves along its longer side, else both the whole. */
export function halvesOf(mode: Mode, canvas: Size): Halves {
  if (mode !== 'side') return { size: canvas, second: { x: 0, y: 0 } };
  if (canvas.width >= canvas.height) {
    const width = Math.floor(canvas.width / 2);
    return { size: { width, height: canvas.height }, second: { x: width, y: 0 } };
  }
  const height = Math.floor(canvas.height / 2);
  return { size: { width: canvas.width, height }, second: { x: 0, y: height } };
}

/** Brings a point of either half to the first one. */
export function intoFirst(halves: Halves, at: Point): Point {
  const { second } = halves;
  return {
    x: second.x > 0 && at.x >= second.x ? at.x - second.x : at.x,
    y: second.y > 0 && at.y >= second.y ? at.y - second.y : at.y,
  };
}

interface Scene {
  a: Shown | null;
  b: Shown | null;
  mode: Mode;
  /** Share of the width that shows A. */
  wipe: number;
  view: Viewport;
  picture: Size;
  paper: string;
}

function drawOne(ctx: CanvasRenderingContext2D, shown: Shown | null, at: Point, scene: Scene): void {
  const { view, picture, paper } = scene;
  const x = at.x + view.x;
  const y = at.y + view.y;
  const width = picture.width * view.scale;
  const height = picture.height * view.scale;
  if (!shown) {
    ctx.fillStyle = paper;
    ctx.fillRect(x, y, width, height);
    return;
  }
  const whole = shown.bitmap.width >= picture.width;
  ctx.imageSmoothingEnabled = !(whole && view.scale > 1);
  ctx.imageSmoothingQuality = 'high';
  ctx.drawImage(shown.bitmap, x, y, width, height);
}

function clipped(
  ctx: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  draw: () => void,
): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, width, height);
  ctx.clip();
  draw();
  ctx.restore();
}

export function paintComparison(ctx: CanvasRenderingContext2D, scene: Scene): void {
  const { width, height } = ctx.canvas;
  ctx.clearRect(0, 0, width, height);
  const { size, second } = halvesOf(scene.mode, { width, height });
  const origin = { x: 0, y: 0 };
  if (scene.mode === 'side') {
    clipped(ctx, 0, 0, size.width, size.height, () => drawOne(ctx, scene.a, origin, scene));
    clipped(ctx, second.x, second.y, size.width, size.height, () => drawOne(ctx, scene.b, second, scene));
  } else if (scene.mode === 'difference') {
    drawOne(ctx, scene.a, origin, scene);
    ctx.globalCompositeOperation = 'difference';
    drawOne(ctx, scene.b, origin, scene);
    ctx.globalCompositeOperation = 'source-over';
  } else {
    const edge = Math.round(width * scene.wipe);
    clipped(ctx, 0, 0, edge, height, () => drawOne(ctx, scene.a, origin, scene));
    clipped(ctx, edge, 0, width - edge, height, () => drawOne(ctx, scene.b, origin, scene));
  }
}

let probe: CanvasRenderingContext2D | null = null;

/** Red, green, blue (0–255) of the picture's pixel at a point, as the preview shows it; null outside or where nothing is. */
export function pixelAt(shown: Shown | null, picture: Size, at: Point): [number, number, number] | null {
  if (!shown || at.x < 0 || at.y < 0 || at.x >= picture.width || at.y >= picture.height) return null;
  if (!probe) {
    const canvas = document.createElement('canvas');
    canvas.width = 1;
    canvas.height = 1;
    probe = canvas.getContext('2d', { willReadFrequently: true })!;
  }
  const x = Math.floor((at.x / picture.width) * shown.bitmap.width);
  const y = Math.floor((at.y / picture.height) * shown.bitmap.height);
  probe.clearRect(0, 0, 1, 1);
  probe.drawImage(shown.bitmap, x, y, 1, 1, 0, 0, 1, 1);
  const [r, g, b, alpha] = probe.getImageData(0, 0, 1, 1).data;
  return alpha === 0 ? null : [r!, g!, b!];
}
