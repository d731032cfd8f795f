// Where on a canvas a picture lies: pure arithmetic of fitting, zooming and panning. Canvas lengths are device pixels.

export interface Size {
  width: number;
  height: number;
}
export interface Point {
  x: number;
  y: number;
}
/** `scale`: device pixels per picture pixel; `x`, `y`: where on the canvas the picture's corner lies. */
export interface Viewport extends Point {
  scale: number;
}

/** Zooming in stops when one picture pixel is this many device pixels. */
export const MOST_SCALE = 64;
/** Zooming out stops at this share of the size that fits. */
const LEAST_OF_FIT = 0.5;

/** The whole picture in the middle of the canvas. */
export function fitInto(picture: Size, canvas: Size, margin = 0): Viewport {
  const width = Math.max(1, canvas.width - 2 * margin);
  const height = Math.max(1, canvas.height - 2 * margin);
  const scale = Math.min(width / Math.max(1, picture.width), height / Math.max(1, picture.height));
  return {
    scale,
    x: (canvas.width - picture.width * scale) / 2,
    y: (canvas.height - picture.height * scale) / 2,
  };
}

/** Zooms so that the picture's point under `at` stays there. */
export function zoomAt(view: Viewport, at: Point, factor: number, fitScale: number): Viewport {
  const least = Math.min(1, fitScale * LEAST_OF_FIT);
  const scale = Math.min(MOST_SCALE, Math.max(least, view.scale * factor));
  const ratio = scale / view.scale;
  return { scale, x: at.x - (at.x - view.x) * ratio, y: at.y - (at.y - view.y) * ratio };
}

/** Keeps some of the picture on the canvas, so that it cannot be lost. */
export function clamp(view: Viewport, picture: Size, canvas: Size): Viewport {
  const keep = Math.min(canvas.width, canvas.height) / 4;
  const within = (at: number, length: number, room: number) => {
    const size = length * view.scale;
    return Math.min(room - Math.min(keep, size), Math.max(Math.min(keep, size) - size, at));
  };
  return {
    scale: view.scale,
    x: within(view.x, picture.width, canvas.width),
    y: within(view.y, picture.height, canvas.height),
  };
}

export function toPicture(view: Viewport, at: Point): Point {
  return { x: (at.x - view.x) / view.scale, y: (at.y - view.y) / view.scale };
}

/** Sizes in which previews are asked for; few, so that the node and the browser can keep them. */
const SIDES = [160, 320, 640, 960, 1920, 3840];

/** The smallest preview that has a pixel for each device pixel shown, up to the picture's own size. */
export function sideFor(picture: Size, scale: number): number {
  const whole = Math.max(picture.width, picture.height);
  const wanted = Math.min(whole, whole * Math.min(1, scale));
  const side = SIDES.find((candidate) => candidate >= wanted) ?? whole;
  return Math.min(side, whole);
}
