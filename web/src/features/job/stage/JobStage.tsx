// The picture and what steers it: tools above, frames below. Panes: one frame, all frames, the film.
import { type KeyboardEvent, useCallback, useState } from 'react';
import type { Failure } from '@/api/problem';
import type { JobView } from '@/api/types';
import { useStore } from '@/app/store';
import { PanZoom } from '@/features/picture/PanZoom';
import { ZoomControl } from '@/features/picture/ZoomControl';
import { useMessages } from '@/i18n';
import { IconButton } from '@/ui/Button';
import { ProblemNote } from '@/ui/Notes';
import { FilmStrip } from '../frames/FilmStrip';
import { HeatMap } from '../frames/HeatMap';
import { Timeline } from '../frames/Timeline';
import { Mosaic } from '../mosaic/Mosaic';
import type { JobScreen } from '../screen';
import type { Tasks } from '../tasks/useTasks';
import { FilmPlayer } from './FilmPlayer';
import styles from './JobStage.module.css';
import { StageTools } from './StageTools';

interface Props {
  job: JobView;
  tasks: Tasks;
  screen: JobScreen;
}

function Frames({ job, tasks, screen, aspect }: Props & { aspect: number }) {
  const m = useMessages();
  const frames = job.frame_numbers;
  const frame = useStore(screen.frame);
  const follow = useStore(screen.follow);
  const at = frames.indexOf(frame);
  const step = (by: number) => {
    const next = frames[at + by];
    if (next !== undefined) screen.chooseFrame(next);
  };
  return (
    <div className={styles.frames}>
      <FilmStrip job={job.id} frames={frames} aspect={aspect} table={tasks.table} screen={screen} />
      <div className={styles.transport}>
        <IconButton icon="previous" label={m.job.previousFrame} disabled={at <= 0} onClick={() => step(-1)} />
        <IconButton icon="next" label={m.job.nextFrame} disabled={at >= frames.length - 1} onClick={() => step(1)} />
        <Timeline frames={frames} table={tasks.table} screen={screen} />
        {job.state === 'rendering' && (
          <IconButton
            icon="follow"
            label={m.job.follow}
            aria-pressed={follow}
            onClick={() => screen.follow.set(!screen.follow.get())}
          />
        )}
      </div>
    </div>
  );
}

export function JobStage({ job, tasks, screen }: Props) {
  const m = useMessages();
  const [panZoom] = useState(() => new PanZoom());
  const [failure, setFailure] = useState<Failure | null>(null);
  const pane = useStore(screen.pane);
  const exposure = useStore(screen.exposure);
  const channel = useStore(screen.channel);
  const resolution = job.resolution ?? { width: 16, height: 9 };
  const animated = job.frame_numbers.length > 1;
  const aspect = (resolution.width * (job.facts?.pixel_aspect_milli ?? 1000)) / 1000 / resolution.height;

  const onKey = useCallback(
    (event: KeyboardEvent) => {
      if (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement) return;
      const by = { ',': -1, '.': 1 }[event.key];
      if (by === undefined) return;
      const frames = job.frame_numbers;
      const next = frames[frames.indexOf(screen.frame.get()) + by];
      if (next !== undefined) screen.chooseFrame(next);
    },
    [job.frame_numbers, screen],
  );
  const linear = exposure !== 0 || channel !== '';
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: a shortcut for buttons that are inside
    <div className={styles.stage} onKeyDown={onKey}>
      <StageTools job={job} screen={screen} />
      <div className={styles.picture} data-pane={pane} style={{ aspectRatio: aspect }}>
        {pane === 'picture' && (
          <Mosaic
            job={job.id}
            table={tasks.table}
            screen={screen}
            panZoom={panZoom}
            resolution={resolution}
            onFailure={setFailure}
          />
        )}
        {pane === 'picture' && (
          <div className={styles.zoom}>
            <ZoomControl panZoom={panZoom} />
          </div>
        )}
        {pane === 'frames' && (
          <HeatMap frames={job.frame_numbers} aspect={aspect} table={tasks.table} screen={screen} />
        )}
        {pane === 'film' && <FilmPlayer job={job} />}
        {pane === 'picture' && failure && (
          <div className={styles.failure}>
            {linear && 'problem' in failure ? (
              <p className={styles.note}>{m.job.view.noLinear}</p>
            ) : (
              <ProblemNote failure={failure} />
            )}
          </div>
        )}
      </div>
      {animated && pane !== 'film' && <Frames job={job} tasks={tasks} screen={screen} aspect={aspect} />}
    </div>
  );
}
