// Thumbnails of the frames in a row, the shown one in the middle; only those on screen exist. How far a frame is stands
// as a thin line beneath it.
import { type KeyboardEvent, memo, useEffect, useRef, useState } from 'react';
import { useStore } from '@/app/store';
import { Thumbnail } from '@/features/picture/Thumbnail';
import { useMessages } from '@/i18n';
import type { JobScreen } from '../screen';
import { AUDITING, DELIVERED, FAILED, type TaskTable, VERIFIED } from '../tasks/taskTable';
import styles from './FilmStrip.module.css';

const THUMBNAIL_HEIGHT = 50;
const GAP = 6;
const BEYOND = 2;
/**
 * A thumbnail is asked for again each time another quarter of the frame is delivered, and when all of it is verified: a
 * task counts as delivered while its pixels may still be under way.
 */
const STEPS = 4;

interface Props {
  job: string;
  frames: readonly number[];
  aspect: number;
  table: TaskTable;
  screen: JobScreen;
}

export function FilmStrip({ job, frames, aspect, table, screen }: Props) {
  const m = useMessages();
  const frame = useStore(screen.frame);
  const strip = useRef<HTMLDivElement>(null);
  const width = Math.round(Math.min(120, Math.max(36, THUMBNAIL_HEIGHT * aspect)));
  const pitch = width + GAP;
  const [range, setRange] = useState({ first: 0, last: 20 });

  useEffect(() => {
    const element = strip.current!;
    const measure = () => {
      const first = Math.max(0, Math.floor(element.scrollLeft / pitch) - BEYOND);
      const last = Math.ceil((element.scrollLeft + element.clientWidth) / pitch) + BEYOND;
      setRange((old) => (old.first === first && old.last === last ? old : { first, last }));
    };
    measure();
    element.addEventListener('scroll', measure, { passive: true });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => {
      element.removeEventListener('scroll', measure);
      observer.disconnect();
    };
  }, [pitch]);

  useEffect(() => {
    const element = strip.current!;
    const at = frames.indexOf(frame);
    if (at >= 0) element.scrollLeft = at * pitch - (element.clientWidth - width) / 2;
  }, [frame, frames, pitch, width]);

  const onKey = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const next = frames[frames.indexOf(frame) + step];
    if (next !== undefined) screen.chooseFrame(next);
  };

  return (
    <div ref={strip} className={styles.strip} role="listbox" aria-label={m.job.strip} tabIndex={0} onKeyDown={onKey}>
      <div className={styles.track} style={{ width: frames.length * pitch - GAP }}>
        {frames.slice(range.first, range.last).map((each, i) => {
          const slot = table.slotOf(each);
          const all = slot === undefined ? 0 : table.sizeOf(slot);
          const verified = slot === undefined ? 0 : table.inState(slot, VERIFIED);
          const seen =
            slot === undefined ? 0 : verified + table.inState(slot, DELIVERED) + table.inState(slot, AUDITING);
          return (
            <Frame
              key={each}
              job={job}
              frame={each}
              left={(range.first + i) * pitch}
              width={width}
              chosen={each === frame}
              version={seen === 0 ? 0 : 1 + Math.floor((seen / all) * STEPS) + (verified === all ? 1 : 0)}
              permille={all === 0 ? 0 : Math.floor((verified / all) * 1000)}
              failed={slot !== undefined && table.inState(slot, FAILED) > 0}
              label={m.job.timelineValue(each, verified, all)}
              onChoose={screen.chooseFrame}
            />
          );
        })}
      </div>
    </div>
  );
}

interface FrameProps {
  job: string;
  frame: number;
  left: number;
  width: number;
  chosen: boolean;
  version: number;
  permille: number;
  failed: boolean;
  label: string;
  onChoose: (frame: number) => void;
}

const Frame = memo(function Frame(props: FrameProps) {
  const { job, frame, left, width, chosen, version, permille, failed, label, onChoose } = props;
  return (
    <button
      type="button"
      role="option"
      aria-selected={chosen}
      aria-label={label}
      tabIndex={-1}
      className={styles.frame}
      style={{ left, width }}
      onClick={() => onChoose(frame)}
    >
      <Thumbnail job={job} frame={frame} version={version} style={{ height: THUMBNAIL_HEIGHT }} />
      <span className={styles.line} data-state={failed ? 'failed' : permille === 1000 ? 'verified' : undefined}>
        <span style={{ transform: `scaleX(${permille / 1000})` }} />
      </span>
    </button>
  );
});
