// The canvas of the comparison: two previews on one viewport, the wipe's handle, and the values of the pixel pointed at.
import { type KeyboardEvent, type PointerEvent, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { Resolution } from '@/api/types';
import { shownTheme } from '@/app/theme';
import { LivePreview } from '@/features/picture/LivePreview';
import { type PanZoom, pointOf } from '@/features/picture/PanZoom';
import { type Point, sideFor, toPicture } from '@/features/picture/viewport';
import { useMessages } from '@/i18n';
import styles from './CompareView.module.css';
import { halvesOf, intoFirst, type Mode, paintComparison, pixelAt } from './comparePainter';

export interface Side {
  job: string;
  frame: number;
}
interface Props {
  a: Side;
  b: Side;
  mode: Mode;
  gain: number;
  exposure: number;
  channel: string;
  resolution: Resolution;
  panZoom: PanZoom;
}
interface Pixel {
  x: number;
  y: number;
  a: [number, number, number] | null;
  b: [number, number, number] | null;
}

const WIPE_STEP = 0.02;

export function ComparePictures({ a, b, mode, gain, exposure, channel, resolution, panZoom }: Props) {
  const m = useMessages();
  const stage = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const previews = useRef<{ a: LivePreview; b: LivePreview } | null>(null);
  const schedule = useRef<() => void>(() => {});
  const [wipe, setWipe] = useState(0.5);
  const [pixel, setPixel] = useState<Pixel | null>(null);
  const now = useRef({ mode, wipe });
  now.current = { mode, wipe };
  /** Where the pointer is, so that its pixel is read again when a picture arrives. */
  const pointer = useRef<Point | null>(null);
  const readPixel = useRef(() => {});
  readPixel.current = () => {
    const both = previews.current;
    const at = pointer.current && toPicture(panZoom.view, panZoom.into(pointer.current));
    const inside = at && at.x >= 0 && at.y >= 0 && at.x < resolution.width && at.y < resolution.height;
    if (!inside || !both) return setPixel(null);
    setPixel({
      x: Math.floor(at.x),
      y: Math.floor(at.y),
      a: pixelAt(both.a.shown, resolution, at),
      b: pixelAt(both.b.shown, resolution, at),
    });
  };

  useLayoutEffect(() => {
    const element = stage.current!;
    const ctx = canvas.current!.getContext('2d')!;
    let scheduled = 0;
    let paper = '';
    const readColours = () => {
      paper = getComputedStyle(document.documentElement).getPropertyValue('--stage-paper').trim();
      draw();
    };
    const draw = () => {
      scheduled ||= requestAnimationFrame(() => {
        scheduled = 0;
        const { a: one, b: two } = pair;
        const { mode: drawn, wipe: share } = now.current;
        const { view, picture } = panZoom;
        paintComparison(ctx, { a: one.shown, b: two.shown, mode: drawn, wipe: share, view, picture, paper });
      });
    };
    const arrived = () => {
      draw();
      readPixel.current();
    };
    const pair = { a: new LivePreview(a.job, arrived), b: new LivePreview(b.job, arrived) };
    previews.current = pair;
    schedule.current = draw;
    const resize = () => {
      const { width, height } = ctx.canvas;
      const next = {
        width: Math.round(element.clientWidth * devicePixelRatio),
        height: Math.round(element.clientHeight * devicePixelRatio),
      };
      if (width !== next.width) ctx.canvas.width = next.width;
      if (height !== next.height) ctx.canvas.height = next.height;
      panZoom.resize(halvesOf(now.current.mode, next).size);
      draw();
    };
    panZoom.setPicture(resolution);
    panZoom.into = (at) => intoFirst(halvesOf(now.current.mode, ctx.canvas), at);
    const observer = new ResizeObserver(resize);
    observer.observe(element);
    readColours();
    const stops = [panZoom.attach(element), panZoom.onChange(draw), shownTheme.subscribe(readColours)];
    return () => {
      for (const stop of stops) stop();
      observer.disconnect();
      cancelAnimationFrame(scheduled);
      pair.a.stop();
      pair.b.stop();
    };
  }, [a.job, b.job, resolution, panZoom]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: other jobs mean other previews, which know nothing yet
  useEffect(() => {
    const ask = () => {
      const side = sideFor(resolution, panZoom.view.scale);
      const more = { side, ...(exposure !== 0 && { exposure }), ...(channel && { channel }) };
      previews.current?.a.want({ frame: a.frame, ...more }, 1);
      previews.current?.b.want({ frame: b.frame, ...more }, 1);
    };
    ask();
    return panZoom.onChange(ask);
  }, [a.job, b.job, a.frame, b.frame, exposure, channel, resolution, panZoom]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: another mode has other room for each picture
  useLayoutEffect(() => {
    const { width, height } = canvas.current!;
    panZoom.resize(halvesOf(mode, { width, height }).size);
    schedule.current();
  }, [mode, wipe, panZoom]);

  const onMove = (event: PointerEvent) => {
    if (event.buttons !== 0) return;
    pointer.current = pointOf(event, stage.current!);
    readPixel.current();
  };
  const onLeave = () => {
    pointer.current = null;
    setPixel(null);
  };
  const onKey = (event: KeyboardEvent) => {
    if (panZoom.key(event)) event.preventDefault();
  };
  const values = (rgb: Pixel['a']) => (rgb ? rgb.map((value) => String(value).padStart(3, '\u2007')).join(' ') : '–');
  return (
    <>
      <div
        ref={stage}
        className={styles.stage}
        role="application"
        aria-label={m.compare.title}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: an application is operated by keys and takes the focus
        tabIndex={0}
        onKeyDown={onKey}
        onPointerMove={onMove}
        onPointerLeave={onLeave}
      >
        <canvas
          ref={canvas}
          className={styles.canvas}
          style={mode === 'difference' ? { filter: `brightness(${gain})` } : undefined}
        />
        <span className={styles.mark} data-side="a">
          {m.compare.a}
        </span>
        <span className={styles.mark} data-side={mode === 'side' ? 'b-half' : 'b'}>
          {m.compare.b}
        </span>
        {mode === 'wipe' && <WipeHandle wipe={wipe} onWipe={setWipe} stage={stage.current} />}
        {mode === 'side' && <div className={styles.divider} />}
      </div>
      <div className={styles.pixel}>
        <span>{pixel ? m.compare.pixel(pixel.x, pixel.y) : ' '}</span>
        <span>
          {m.compare.a} {values(pixel?.a ?? null)}
        </span>
        <span>
          {m.compare.b} {values(pixel?.b ?? null)}
        </span>
      </div>
    </>
  );
}

function WipeHandle({
  wipe,
  onWipe,
  stage,
}: {
  wipe: number;
  onWipe: (wipe: number) => void;
  stage: HTMLElement | null;
}) {
  const m = useMessages();
  const move = (event: PointerEvent) => {
    if (event.buttons !== 1 || !stage) return;
    const box = stage.getBoundingClientRect();
    onWipe(Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)));
  };
  const percent = Math.round(wipe * 100);
  return (
    <div
      className={styles.wipe}
      style={{ left: `${wipe * 100}%` }}
      role="slider"
      tabIndex={0}
      aria-label={m.compare.wipe}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      aria-valuetext={m.compare.wipeValue(percent)}
      onPointerDown={(event) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
      }}
      onPointerMove={(event) => {
        event.stopPropagation();
        move(event);
      }}
      onKeyDown={(event) => {
        const step = { ArrowLeft: -WIPE_STEP, ArrowRight: WIPE_STEP }[event.key];
        if (step === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        onWipe(Math.min(1, Math.max(0, wipe + step)));
      }}
    >
      <span className={styles.knob} />
    </div>
  );
}
