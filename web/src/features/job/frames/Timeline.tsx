// The scrubber: all frames on one line as in Blender's timeline, how far each is, the playhead with its number. One
// canvas, a slider for keyboard and screen readers.
import { type KeyboardEvent, type PointerEvent, useEffect, useRef } from 'react';
import { useStore } from '@/app/store';
import { shownTheme } from '@/app/theme';
import { useMessages } from '@/i18n';
import type { JobScreen } from '../screen';
import { FAILED, type TaskTable, VERIFIED, WAITING } from '../tasks/taskTable';
import styles from './Timeline.module.css';

const PAGE_STEP = 10;
const LABEL_ROOM_CSS_PX = 44;
const LABEL_STEPS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 5000, 10_000];
const RULER_CSS_PX = 20;
const BAR_CSS_PX = 8;

interface Props {
  frames: readonly number[];
  table: TaskTable;
  screen: JobScreen;
}

interface Colours {
  text: string;
  idle: string;
  work: string;
  ok: string;
  bad: string;
  head: string;
  onHead: string;
}

function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    text: of('--text-3'),
    idle: of('--line'),
    work: of('--accent'),
    ok: of('--heat-ok'),
    bad: of('--bad'),
    head: of('--accent-fill'),
    onHead: of('--on-accent'),
  };
}

function draw(ctx: CanvasRenderingContext2D, { frames, table, screen }: Props, colours: Colours, font: string): void {
  const ratio = devicePixelRatio;
  const { width, height } = ctx.canvas;
  ctx.clearRect(0, 0, width, height);
  const column = width / frames.length;
  const barTop = Math.round((RULER_CSS_PX + 2) * ratio);
  const barHeight = Math.round(BAR_CSS_PX * ratio);
  ctx.fillStyle = colours.idle;
  ctx.fillRect(0, barTop, width, barHeight);
  for (let i = 0; i < frames.length; i += 1) {
    const slot = table.slotOf(frames[i]!);
    if (slot === undefined) continue;
    const all = table.sizeOf(slot);
    if (table.inState(slot, WAITING) === all) continue;
    const verified = table.inState(slot, VERIFIED);
    const failed = table.inState(slot, FAILED) > 0;
    const x = Math.round(i * column);
    const w = Math.max(1, Math.round((i + 1) * column) - x - (column > 4 * ratio ? 1 : 0));
    ctx.fillStyle = failed ? colours.bad : verified === all ? colours.ok : colours.work;
    // What is in work stands as high as it is far, and never so low that it is missed.
    const h = failed || verified === all ? barHeight : Math.max(2 * ratio, Math.round((barHeight * verified) / all));
    ctx.fillRect(x, barTop + barHeight - h, w, h);
  }
  ctx.font = `${11 * ratio}px ${font}`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'center';
  ctx.fillStyle = colours.text;
  const step = LABEL_STEPS.find((s) => s * column >= LABEL_ROOM_CSS_PX * ratio) ?? frames.length;
  const middle = (RULER_CSS_PX / 2) * ratio;
  for (let i = 0; i < frames.length; i += 1) {
    if (frames[i]! % step !== 0 && !(frames.length <= step && i === 0)) continue;
    ctx.fillText(String(frames[i]), Math.min(width - 12 * ratio, Math.max(12 * ratio, (i + 0.5) * column)), middle);
  }
  playhead(ctx, frames.indexOf(screen.frame.get()), String(screen.frame.get()), column, colours);
}

function playhead(ctx: CanvasRenderingContext2D, at: number, text: string, column: number, colours: Colours): void {
  if (at < 0) return;
  const ratio = devicePixelRatio;
  const { width, height } = ctx.canvas;
  const x = (at + 0.5) * column;
  const box = Math.max(24 * ratio, ctx.measureText(text).width + 12 * ratio);
  const left = Math.min(width - box, Math.max(0, x - box / 2));
  ctx.fillStyle = colours.head;
  ctx.fillRect(Math.round(x - ratio), 0, Math.round(2 * ratio), height);
  ctx.beginPath();
  ctx.roundRect(left, ratio, box, (RULER_CSS_PX - 2) * ratio, 3 * ratio);
  ctx.fill();
  ctx.fillStyle = colours.onHead;
  ctx.fillText(text, left + box / 2, (RULER_CSS_PX / 2) * ratio);
}

export function Timeline({ frames, table, screen }: Props) {
  const m = useMessages();
  const canvas = useRef<HTMLCanvasElement>(null);
  const frame = useStore(screen.frame);

  useEffect(() => {
    const element = canvas.current!;
    const ctx = element.getContext('2d')!;
    const font = getComputedStyle(element).fontFamily;
    let colours = readColours();
    let scheduled = 0;
    const schedule = () => {
      scheduled ||= requestAnimationFrame(() => {
        scheduled = 0;
        if (dirty.frames.length > 0 || dirty.all || stale) draw(ctx, { frames, table, screen }, colours, font);
        stale = false;
        dirty.clear();
      });
    };
    let stale = true;
    const redraw = () => {
      stale = true;
      schedule();
    };
    const { dirty, stop } = table.watch(schedule);
    const observer = new ResizeObserver(() => {
      element.width = Math.round(element.clientWidth * devicePixelRatio);
      element.height = Math.round(element.clientHeight * devicePixelRatio);
      redraw();
    });
    observer.observe(element);
    const stops = [
      stop,
      screen.frame.subscribe(redraw),
      shownTheme.subscribe(() => {
        colours = readColours();
        redraw();
      }),
    ];
    return () => {
      observer.disconnect();
      cancelAnimationFrame(scheduled);
      for (const each of stops) each();
    };
  }, [frames, table, screen]);

  const scrub = (event: PointerEvent) => {
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    const at = Math.floor(((event.clientX - box.left) / box.width) * frames.length);
    const chosen = frames[Math.min(frames.length - 1, Math.max(0, at))];
    if (chosen !== undefined) screen.chooseFrame(chosen);
  };
  const onKey = (event: KeyboardEvent) => {
    const at = frames.indexOf(frame);
    const last = frames.length - 1;
    const to = {
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      PageUp: at + PAGE_STEP,
      PageDown: at - PAGE_STEP,
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    screen.chooseFrame(frames[Math.min(last, Math.max(0, to))]!);
  };
  const slot = table.slotOf(frame);
  return (
    <div
      className={styles.timeline}
      role="slider"
      tabIndex={0}
      aria-label={m.job.timeline}
      aria-valuemin={frames[0]}
      aria-valuemax={frames.at(-1)}
      aria-valuenow={frame}
      aria-valuetext={
        slot === undefined
          ? String(frame)
          : m.job.timelineValue(frame, table.inState(slot, VERIFIED), table.sizeOf(slot))
      }
      onKeyDown={onKey}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        scrub(event);
      }}
      onPointerMove={scrub}
    >
      <canvas ref={canvas} className={styles.canvas} />
    </div>
  );
}
