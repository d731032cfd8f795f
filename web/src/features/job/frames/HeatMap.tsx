// All frames of a long animation at once, each a cell that fills as its tasks are verified. One canvas; only the cells of
// changed frames are painted.
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from 'react';
import { shownTheme } from '@/app/theme';
import { useMessages } from '@/i18n';
import type { JobScreen } from '../screen';
import { FAILED, type TaskTable, VERIFIED, WAITING } from '../tasks/taskTable';
import styles from './HeatMap.module.css';
import { frameAt, type HeatGrid, LARGEST_CELL, layOut } from './heatGrid';

interface Props {
  frames: readonly number[];
  aspect: number;
  table: TaskTable;
  screen: JobScreen;
}

const PADDING = 16;
/** Cells wider than this (CSS pixels) carry their number. */
const NUMBER_FROM = 34;

interface Colours {
  paper: string;
  text: string;
  work: string;
  ok: string;
  bad: string;
}
function readColours(): Colours {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(name).trim();
  return {
    paper: of('--stage-paper'),
    text: of('--stage-text'),
    work: of('--heat-work'),
    ok: of('--heat-ok'),
    bad: of('--bad-fill'),
  };
}

class HeatPainter {
  grid: HeatGrid = { columns: 1, rows: 1, cellWidth: 1, cellHeight: 1 };
  colours = readColours();
  private readonly ctx: CanvasRenderingContext2D;
  private readonly frames: readonly number[];
  private readonly table: TaskTable;
  private readonly font: string;

  constructor(canvas: HTMLCanvasElement, frames: readonly number[], table: TaskTable) {
    this.ctx = canvas.getContext('2d')!;
    this.frames = frames;
    this.table = table;
    this.font = getComputedStyle(canvas).fontFamily;
  }

  all(): void {
    this.ctx.clearRect(0, 0, this.ctx.canvas.width, this.ctx.canvas.height);
    for (let at = 0; at < this.frames.length; at += 1) this.cell(at);
  }

  cell(at: number): void {
    const { ctx, grid, table, colours } = this;
    const ratio = devicePixelRatio;
    const frame = this.frames[at]!;
    const gap = grid.cellWidth > 10 * ratio ? 2 * ratio : grid.cellWidth > 4 * ratio ? ratio : 0;
    const x = Math.round((at % grid.columns) * grid.cellWidth);
    const y = Math.round(Math.floor(at / grid.columns) * grid.cellHeight);
    const w = Math.max(1, Math.round(((at % grid.columns) + 1) * grid.cellWidth) - x - gap);
    const h = Math.max(1, Math.round((Math.floor(at / grid.columns) + 1) * grid.cellHeight) - y - gap);
    ctx.fillStyle = colours.paper;
    ctx.fillRect(x, y, w, h);
    const slot = table.slotOf(frame);
    if (slot !== undefined) {
      const size = table.sizeOf(slot);
      const verified = table.inState(slot, VERIFIED);
      const failed = table.inState(slot, FAILED);
      const idle = table.inState(slot, WAITING);
      if (verified === size) {
        ctx.fillStyle = colours.ok;
        ctx.fillRect(x, y, w, h);
      } else if (idle < size) {
        // Verified rises from the foot; a line at the top says that nodes are at work on it.
        const filled = Math.round((h * verified) / size);
        ctx.fillStyle = colours.ok;
        ctx.globalAlpha = 0.55;
        ctx.fillRect(x, y + h - filled, w, filled);
        ctx.globalAlpha = 1;
        ctx.fillStyle = failed > 0 ? colours.bad : colours.work;
        ctx.fillRect(x, y, w, Math.max(ratio, Math.min(3 * ratio, Math.round(h / 4))));
      }
    }
    if (grid.cellWidth < NUMBER_FROM * ratio) return;
    ctx.fillStyle = colours.text;
    ctx.font = `${11 * ratio}px ${this.font}`;
    ctx.textBaseline = 'top';
    ctx.fillText(String(frame), x + 5 * ratio, y + 6 * ratio);
  }
}

export function HeatMap({ frames, aspect, table, screen }: Props) {
  const m = useMessages();
  const room = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const painter = useRef<HeatPainter | null>(null);
  const [pointed, setPointed] = useState(-1);

  useEffect(() => {
    const element = canvas.current!;
    const painting = new HeatPainter(element, frames, table);
    painter.current = painting;
    const position = new Map(frames.map((frame, at) => [frame, at]));
    let scheduled = 0;
    let stale = true;
    const schedule = () => {
      scheduled ||= requestAnimationFrame(() => {
        scheduled = 0;
        if (stale || dirty.all) painting.all();
        else for (const slot of dirty.frames) painting.cell(position.get(table.frames[slot]!) ?? 0);
        stale = false;
        dirty.clear();
      });
    };
    const { dirty, stop } = table.watch(schedule);
    const redraw = () => {
      stale = true;
      schedule();
    };
    const observer = new ResizeObserver(() => {
      const ratio = devicePixelRatio;
      const box = room.current!;
      const width = (box.clientWidth - 2 * PADDING) * ratio;
      const height = (box.clientHeight - 2 * PADDING) * ratio;
      painting.grid = layOut(frames.length, aspect, width, height, LARGEST_CELL * ratio);
      element.width = Math.ceil(painting.grid.columns * painting.grid.cellWidth);
      element.height = Math.ceil(painting.grid.rows * painting.grid.cellHeight);
      element.style.width = `${element.width / ratio}px`;
      element.style.height = `${element.height / ratio}px`;
      redraw();
    });
    observer.observe(room.current!);
    const stopTheme = shownTheme.subscribe(() => {
      painting.colours = readColours();
      redraw();
    });
    return () => {
      stop();
      stopTheme();
      observer.disconnect();
      cancelAnimationFrame(scheduled);
    };
  }, [frames, aspect, table]);

  const at = (event: PointerEvent) => {
    const box = canvas.current!.getBoundingClientRect();
    const x = (event.clientX - box.left) * devicePixelRatio;
    const y = (event.clientY - box.top) * devicePixelRatio;
    return painter.current ? frameAt(painter.current.grid, frames.length, x, y) : -1;
  };
  const open = (index: number) => {
    const frame = frames[index];
    if (frame === undefined) return;
    screen.chooseFrame(frame);
    screen.pane.set('picture');
  };
  const onKey = (event: KeyboardEvent) => {
    const columns = painter.current?.grid.columns ?? 1;
    const from = pointed < 0 ? Math.max(0, frames.indexOf(screen.frame.get())) : pointed;
    const to = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
    if (to !== undefined) setPointed(pointed < 0 ? from : Math.min(frames.length - 1, Math.max(0, from + to)));
    else if (event.key === 'Enter') open(from);
    else return;
    event.preventDefault();
  };
  const frame = frames[pointed < 0 ? Math.max(0, frames.indexOf(screen.frame.get())) : pointed] ?? 0;
  const slot = table.slotOf(frame);
  const words =
    slot === undefined
      ? m.job.frame(frame)
      : m.job.timelineValue(frame, table.inState(slot, VERIFIED), table.sizeOf(slot));
  const ratio = devicePixelRatio;
  const grid = painter.current?.grid;
  return (
    <div className={styles.heat}>
      <div
        ref={room}
        className={styles.room}
        style={{ padding: PADDING }}
        role="slider"
        tabIndex={0}
        aria-label={`${m.job.heat}. ${m.job.heatKeys}`}
        aria-valuemin={frames[0]}
        aria-valuemax={frames.at(-1)}
        aria-valuenow={frame}
        aria-valuetext={words}
        onKeyDown={onKey}
        onPointerMove={(event) => setPointed(at(event))}
        onPointerLeave={() => setPointed(-1)}
        onClick={(event) => open(at(event as unknown as PointerEvent))}
      >
        <div className={styles.grid}>
          <canvas ref={canvas} className={styles.canvas} />
          {pointed >= 0 && grid && (
            <div
              className={styles.cursor}
              style={{
                left: ((pointed % grid.columns) * grid.cellWidth) / ratio,
                top: (Math.floor(pointed / grid.columns) * grid.cellHeight) / ratio,
                width: grid.cellWidth / ratio,
                height: grid.cellHeight / ratio,
              }}
            />
          )}
        </div>
      </div>
      <div className={styles.foot}>
        <span className={styles.words}>{words}</span>
        <ul className={styles.legend}>
          {(['waiting', 'part', 'verified', 'failed'] as const).map((key) => (
            <li key={key}>
              <span className={styles.swatch} data-state={key} />
              {m.job.heatLegend[key]}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
