// Moves a viewport by hand: wheel and pinch zoom, drag pans, keys + − 0 1 and Shift+arrows. Holds no React state; what
// draws (the mosaic, both sides of a comparison) listens and draws once per animation frame.
import { clamp, fitInto, type Point, type Size, type Viewport, zoomAt } from './viewport';

const WHEEL_ZOOM_PER_PIXEL = 0.0022;
const KEY_ZOOM = 1.5;
const KEY_PAN_CSS_PX = 60;
/** A press that moves less than this is a click. */
const CLICK_CSS_PX = 4;

export class PanZoom {
  view: Viewport = { scale: 1, x: 0, y: 0 };
  picture: Size = { width: 1, height: 1 };
  canvas: Size = { width: 1, height: 1 };
  /** True until the person moves the picture: then resizing the window no longer refits it. */
  fitted = true;
  margin = 0;
  /** Where several views share one element (side by side), brings a point into the first one. */
  into: (at: Point) => Point = (at) => at;
  private readonly listeners = new Set<() => void>();
  private readonly pointers = new Map<number, Point>();

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private changed(view: Viewport, fitted: boolean): void {
    this.view = fitted ? view : clamp(view, this.picture, this.canvas);
    this.fitted = fitted;
    for (const listener of this.listeners) listener();
  }

  get fitScale(): number {
    return fitInto(this.picture, this.canvas, this.margin).scale;
  }

  resize(canvas: Size): void {
    this.canvas = canvas;
    this.changed(this.fitted ? fitInto(this.picture, canvas, this.margin) : this.view, this.fitted);
  }

  setPicture(picture: Size): void {
    if (picture.width === this.picture.width && picture.height === this.picture.height) return;
    this.picture = picture;
    this.fit();
  }

  fit(): void {
    this.changed(fitInto(this.picture, this.canvas, this.margin), true);
  }

  /** One picture pixel on one device pixel, around the middle. */
  actualSize(): void {
    this.zoom(1 / this.view.scale);
  }

  zoom(factor: number, at: Point = { x: this.canvas.width / 2, y: this.canvas.height / 2 }): void {
    this.changed(zoomAt(this.view, at, factor, this.fitScale), false);
  }

  pan(x: number, y: number): void {
    this.changed({ ...this.view, x: this.view.x + x, y: this.view.y + y }, false);
  }

  /** Listens on an element; `onClick` gets presses that were no drag. Returns how to stop. */
  attach(element: HTMLElement, onClick?: (at: Point, event: PointerEvent) => void): () => void {
    const stop = new AbortController();
    const options = { signal: stop.signal };
    let travelled = 0;

    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      // Line and page modes count in lines and pages; 16 and 400 px stand for them.
      const step = event.deltaY * ([1, 16, 400][event.deltaMode] ?? 1);
      // Trackpad pinches arrive as wheels with Ctrl and small steps.
      const factor = Math.exp(-step * WHEEL_ZOOM_PER_PIXEL * (event.ctrlKey ? 4 : 1));
      this.zoom(factor, this.into(pointOf(event, element)));
    };
    const down = (event: PointerEvent) => {
      if (event.button > 1) return;
      travelled = 0;
      this.pointers.set(event.pointerId, pointOf(event, element));
      element.setPointerCapture(event.pointerId);
    };
    const move = (event: PointerEvent) => {
      const before = this.pointers.get(event.pointerId);
      if (!before) return;
      const now = pointOf(event, element);
      travelled += Math.hypot(now.x - before.x, now.y - before.y);
      if (travelled / devicePixelRatio < CLICK_CSS_PX) return;
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)?.[1];
      this.pointers.set(event.pointerId, now);
      if (!other) return this.pan(now.x - before.x, now.y - before.y);
      const spread =
        Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
      this.zoom(spread, this.into({ x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 }));
      this.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
    };
    const up = (event: PointerEvent) => {
      const known = this.pointers.delete(event.pointerId);
      if (known && event.type === 'pointerup' && travelled / devicePixelRatio < CLICK_CSS_PX) {
        onClick?.(pointOf(event, element), event);
      }
    };
    element.addEventListener('wheel', wheel, { ...options, passive: false });
    element.addEventListener('pointerdown', down, options);
    element.addEventListener('pointermove', move, options);
    element.addEventListener('pointerup', up, options);
    element.addEventListener('pointercancel', up, options);
    element.addEventListener('dblclick', () => (this.fitted ? this.actualSize() : this.fit()), options);
    return () => stop.abort();
  }

  /** True when the key was ours. */
  key(event: { key: string; shiftKey: boolean }): boolean {
    const step = KEY_PAN_CSS_PX * devicePixelRatio;
    const pans: Record<string, [number, number]> = {
      ArrowLeft: [step, 0],
      ArrowRight: [-step, 0],
      ArrowUp: [0, step],
      ArrowDown: [0, -step],
    };
    if (event.key === '+' || event.key === '=') this.zoom(KEY_ZOOM);
    else if (event.key === '-' || event.key === '_') this.zoom(1 / KEY_ZOOM);
    else if (event.key === '0') this.fit();
    else if (event.key === '1') this.actualSize();
    else if (event.shiftKey && pans[event.key]) this.pan(...pans[event.key]!);
    else return false;
    return true;
  }
}

/** Where on the canvas an event happened, in device pixels. */
export function pointOf(event: { clientX: number; clientY: number }, element: Element): Point {
  const box = element.getBoundingClientRect();
  return { x: (event.clientX - box.left) * devicePixelRatio, y: (event.clientY - box.top) * devicePixelRatio };
}
