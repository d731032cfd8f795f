// What one is looking at in a job: frame, task, node, overlay, exposure. Small stores, so that scrubbing redraws the
// canvases and not the page. The frame is kept in the address, a little later, for reloading and sharing.
import { useEffect, useState } from 'react';
import { setQuery, useLocation } from '@/app/router';
import { createStore, type Store } from '@/app/store';
import type { Overlay } from './mosaic/painter';
import { RENDERING, type TaskTable, VERIFIED } from './tasks/taskTable';
import type { TaskSummary } from './tasks/useTasks';

export type Pane = 'picture' | 'frames' | 'film';
export type Tab = 'nodes' | 'attempts' | 'failures' | 'log' | 'outputs' | 'details';

export interface JobScreen {
  /** 0 until known. */
  frame: Store<number>;
  /** The task one looks at, by id. */
  task: Store<number | null>;
  /** The node brought out on the mosaic. */
  node: Store<string | null>;
  overlay: Store<Overlay>;
  exposure: Store<number>;
  channel: Store<string>;
  pane: Store<Pane>;
  tab: Store<Tab>;
  /** Moves on to the next frame at work when the shown one is complete; ends when a frame is chosen by hand. */
  follow: Store<boolean>;
  chooseFrame(frame: number): void;
}

const ADDRESS_AFTER_MS = 400;

export function useJobScreen(firstTab: Tab): JobScreen {
  const { query } = useLocation();
  const [screen] = useState<JobScreen>(() => {
    const asked = Number(query.get('frame') ?? 0);
    const frame = createStore(Number.isInteger(asked) ? asked : 0);
    const follow = createStore(frame.get() === 0);
    return {
      frame,
      task: createStore<number | null>(null),
      node: createStore<string | null>(null),
      overlay: createStore<Overlay>('tasks'),
      exposure: createStore(0),
      channel: createStore(''),
      pane: createStore<Pane>('picture'),
      tab: createStore<Tab>(firstTab),
      follow,
      chooseFrame(next) {
        follow.set(false);
        frame.set(next);
      },
    };
  });
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = screen.frame.subscribe(() => {
      clearTimeout(timer);
      if (screen.follow.get()) return;
      timer = setTimeout(() => setQuery({ frame: String(screen.frame.get()) }), ADDRESS_AFTER_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [screen]);
  return screen;
}

/** The frame to look at first, or next: the lowest one at work, else the lowest with anything to see. */
export function frameAtWork(table: TaskTable): number {
  let working = 0;
  let begun = 0;
  for (let slot = 0; slot < table.frames.length; slot += 1) {
    const frame = table.frames[slot]!;
    if (table.inState(slot, RENDERING) > 0 && (working === 0 || frame < working)) working = frame;
    if (table.inState(slot, VERIFIED) > 0 && (begun === 0 || frame < begun)) begun = frame;
  }
  return working || begun || (table.frames[0] ?? 0);
}

export function useFollow(screen: JobScreen, table: TaskTable, summary: TaskSummary): void {
  useEffect(() => {
    if (summary.count === 0) return;
    const frame = screen.frame.get();
    const slot = table.slotOf(frame);
    if (slot === undefined) screen.frame.set(frameAtWork(table));
    else if (screen.follow.get()) {
      const complete = table.inState(slot, VERIFIED) === table.sizeOf(slot);
      if (complete) screen.frame.set(frameAtWork(table));
    }
  }, [screen, table, summary]);
}
