// The picture as it fills in: canvases, pan and zoom, the pointer's and the keyboard's cursor, the tip. React draws only
// the cursor and the tip; everything else is MosaicRenderer's.
import { type KeyboardEvent, type PointerEvent, useLayoutEffect, useRef, useState } from 'react';
import type { Failure } from '@/api/problem';
import type { Resolution } from '@/api/types';
import { useStore } from '@/app/store';
import { shownTheme } from '@/app/theme';
import { LivePreview } from '@/features/picture/LivePreview';
import { type PanZoom, pointOf } from '@/features/picture/PanZoom';
import { sideFor, toPicture } from '@/features/picture/viewport';
import { useMessages } from '@/i18n';
import type { JobScreen } from '../screen';
import { AUDITING, DELIVERED, type TaskTable, VERIFIED } from '../tasks/taskTable';
import styles from './Mosaic.module.css';
import { MosaicRenderer } from './MosaicRenderer';
import { neighbour, taskAt } from './painter';
import { TaskTip, useTaskSentence } from './TaskTip';

const MARGIN_CSS_PX = 16;
/** A phone has no room to give away. */
const MARGIN_FROM_CSS_PX = 640;
const ARROWS: Record<string, [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface Props {
  job: string;
  table: TaskTable;
  screen: JobScreen;
  panZoom: PanZoom;
  resolution: Resolution;
  onFailure: (failure: Failure | null) => void;
}

/** Grows as more of a frame can be seen: what makes the preview worth asking for again. */
function seenOf(table: TaskTable, frame: number): number {
  const slot = table.slotOf(frame);
  if (slot === undefined) return 0;
  return table.inState(slot, DELIVERED) + table.inState(slot, AUDITING) + 2 * table.inState(slot, VERIFIED);
}

export function Mosaic({ job, table, screen, panZoom, resolution, onFailure }: Props) {
  const m = useMessages();
  const stage = useRef<HTMLDivElement>(null);
  const base = useRef<HTMLCanvasElement>(null);
  const over = useRef<HTMLCanvasElement>(null);
  const fine = useRef<HTMLCanvasElement>(null);
  const cursor = useRef<HTMLDivElement>(null);
  const tip = useRef<HTMLDivElement>(null);
  const renderer = useRef<MosaicRenderer | null>(null);
  /** Index of the task under the pointer or the keyboard cursor. */
  const [pointed, setPointed] = useState(-1);
  const pointedNow = useRef(-1);
  const [, setTick] = useState(0);
  pointedNow.current = pointed;

  useLayoutEffect(() => {
    const element = stage.current!;
    panZoom.margin = element.clientWidth < MARGIN_FROM_CSS_PX ? 0 : MARGIN_CSS_PX * devicePixelRatio;
    panZoom.setPicture(resolution);
    const drawing = new MosaicRenderer(base.current!, over.current!, fine.current!, table, panZoom);
    renderer.current = drawing;
    const preview = new LivePreview(job, () => {
      drawing.setPicture(preview.shown);
      onFailure(preview.failure);
    });
    const want = () => {
      const frame = screen.frame.get();
      drawing.setFrame(frame);
      const exposure = screen.exposure.get();
      const channel = screen.channel.get();
      const side = sideFor(resolution, panZoom.view.scale);
      preview.want(
        { frame, side, ...(exposure !== 0 && { exposure }), ...(channel && { channel }) },
        seenOf(table, frame),
      );
    };
    const look = () => drawing.setLook({ overlay: screen.overlay.get(), node: screen.node.get() });
    const place = () => {
      const index = pointedNow.current;
      if (index < 0 || !cursor.current) return;
      const cell = drawing.place(index);
      const ratio = devicePixelRatio;
      const { style } = cursor.current;
      style.transform = `translate(${cell.x / ratio}px, ${cell.y / ratio}px)`;
      style.width = `${cell.width / ratio}px`;
      style.height = `${cell.height / ratio}px`;
      if (tip.current)
        placeTip(tip.current, element, cell.x / ratio, cell.y / ratio, cell.width / ratio, cell.height / ratio);
    };
    let ticked = 0;
    drawing.onTasks = () => {
      want();
      // The tip follows its task, but not more often than it can be read.
      if (pointedNow.current >= 0 && performance.now() - ticked > 250) {
        ticked = performance.now();
        setTick((tick) => tick + 1);
      }
    };
    drawing.onDrawn = place;
    const resize = () => {
      const ratio = devicePixelRatio;
      drawing.resize(Math.round(element.clientWidth * ratio), Math.round(element.clientHeight * ratio));
    };
    resize();
    const observer = new ResizeObserver(resize);
    observer.observe(element);
    const stops = [
      panZoom.attach(element, (at) => {
        const point = toPicture(panZoom.view, at);
        const index = taskAt(table, table.tasksOf(screen.frame.get()), point.x, point.y);
        if (index >= 0) choose(index);
      }),
      panZoom.onChange(() => {
        // A finger scrolls the page over a fitted picture, and moves a zoomed one.
        element.style.touchAction = panZoom.fitted ? 'pan-y' : 'none';
        want();
      }),
      screen.frame.subscribe(() => {
        setPointed(-1);
        want();
      }),
      screen.exposure.subscribe(want),
      screen.channel.subscribe(want),
      screen.overlay.subscribe(look),
      screen.node.subscribe(look),
      shownTheme.subscribe(() => drawing.readColours()),
    ];
    const choose = (index: number) => {
      screen.task.set(table.id[index]!);
      screen.tab.set('attempts');
    };
    want();
    look();
    return () => {
      for (const stop of stops) stop();
      observer.disconnect();
      drawing.stop();
      preview.stop();
    };
  }, [job, table, screen, panZoom, resolution, onFailure]);

  // The cursor was just rendered: put it where it belongs before it is seen.
  useLayoutEffect(() => {
    if (pointed >= 0) renderer.current?.onDrawn?.();
  }, [pointed]);

  const tasks = () => table.tasksOf(screen.frame.get());
  const onMove = (event: PointerEvent) => {
    if (event.buttons !== 0) return setPointed(-1);
    if (event.pointerType === 'touch') return;
    const point = toPicture(panZoom.view, pointOf(event, stage.current!));
    setPointed(taskAt(table, tasks(), point.x, point.y));
  };
  const onKey = (event: KeyboardEvent) => {
    const arrow = event.shiftKey ? undefined : ARROWS[event.key];
    if (arrow) {
      const all = tasks();
      if (all.length > 0) setPointed(pointed < 0 ? all[0]! : neighbour(table, all, pointed, ...arrow));
    } else if (event.key === 'Enter' && pointed >= 0) {
      screen.task.set(table.id[pointed]!);
      screen.tab.set('attempts');
    } else if (event.key === 'Escape') {
      setPointed(-1);
    } else if (!panZoom.key(event)) return;
    event.preventDefault();
  };
  const frame = useStore(screen.frame);
  const sentence = useTaskSentence(table, pointed);

  return (
    <div
      ref={stage}
      className={styles.mosaic}
      role="application"
      aria-label={m.job.mosaicOf(frame)}
      aria-roledescription={m.job.mosaic}
      aria-describedby="mosaic-keys"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: an application is operated by keys and takes the focus
      tabIndex={0}
      onPointerMove={onMove}
      onPointerLeave={() => setPointed(-1)}
      onKeyDown={onKey}
      onBlur={() => setPointed(-1)}
    >
      <canvas ref={base} className={styles.canvas} />
      <canvas ref={over} className={styles.canvas} />
      <canvas ref={fine} className={styles.fine} />
      {pointed >= 0 && (
        <>
          <div ref={cursor} className={styles.cursor} />
          <div ref={tip} className={styles.tip}>
            <TaskTip table={table} index={pointed} />
          </div>
        </>
      )}
      <span className="visually-hidden" aria-live="polite">
        {sentence}
      </span>
      <span className="visually-hidden" id="mosaic-keys">
        {m.job.mosaicKeys}
      </span>
    </div>
  );
}

const TIP_GAP = 8;
/** Below the cell if there is room, else above, and never outside the stage. */
function placeTip(tip: HTMLElement, stage: HTMLElement, x: number, y: number, width: number, height: number): void {
  const { offsetWidth, offsetHeight } = tip;
  const below = y + height + TIP_GAP;
  const top = below + offsetHeight < stage.clientHeight ? below : Math.max(TIP_GAP, y - offsetHeight - TIP_GAP);
  const left = Math.min(stage.clientWidth - offsetWidth - TIP_GAP, Math.max(TIP_GAP, x + width / 2 - offsetWidth / 2));
  tip.style.transform = `translate(${left}px, ${top}px)`;
}
