// The job in numbers, on one line: how far, how long, how much. Widths are fixed by tabular figures; nothing jumps.
import { memo, type ReactNode } from 'react';
import type { JobView } from '@/api/types';
import { useMessages } from '@/i18n';
import { Count, Money, Span, useNow } from '@/ui/Values';
import styles from './JobFigures.module.css';
import { hasEnded } from './useJob';

function Figure({ label, children }: { label: string; children: ReactNode }) {
  return (
    <div className={styles.figure}>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Elapsed({ job }: { job: JobView }) {
  const now = useNow(1000);
  const seconds = job.started_at ? Math.max(job.wall_s, (now - Date.parse(job.started_at)) / 1000) : 0;
  return <Span seconds={Math.floor(hasEnded(job.state) ? job.wall_s : seconds)} />;
}

export const JobFigures = memo(function JobFigures({ job, busyNodes }: { job: JobView; busyNodes: number }) {
  const m = useMessages();
  const f = m.job.figures;
  const ended = hasEnded(job.state);
  return (
    <dl className={styles.figures}>
      <Figure label={f.progress}>{Math.floor(job.progress_permille / 10)} %</Figure>
      <Figure label={f.frames}>
        <Count value={job.frames_finished} />
        <small>
          {' / '}
          <Count value={job.frames} />
        </small>
      </Figure>
      <Figure label={f.tasks}>
        <Count value={job.tasks_verified} />
        <small>
          {' / '}
          <Count value={job.tasks} />
        </small>
      </Figure>
      {!ended && (
        <Figure label={f.left}>
          <Span seconds={job.eta_s} />
        </Figure>
      )}
      <Figure label={ended ? f.took : f.elapsed}>
        <Elapsed job={job} />
      </Figure>
      <Figure label={f.spent}>
        <Money amount={job.paid} />
      </Figure>
      <Figure label={ended ? f.refunded : f.locked}>
        <Money amount={ended ? job.escrow.refunded : job.escrow.locked} />
      </Figure>
      {!ended && (
        <Figure label={f.nodes}>
          <Count value={busyNodes} />
        </Figure>
      )}
    </dl>
  );
});
