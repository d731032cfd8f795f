// One job in the list: a small picture, name, state, how far it is, when it will be done, what it costs.
import { memo } from 'react';
import type { JobSummary } from '@/api/types';
import { Link } from '@/app/router';
import { Thumbnail } from '@/features/picture/Thumbnail';
import { useMessages } from '@/i18n';
import { StateBadge } from '@/ui/Badge';
import { Icon } from '@/ui/Icon';
import { ProgressBar, type ProgressTone } from '@/ui/ProgressBar';
import { Ago, Money, Span } from '@/ui/Values';
import styles from './JobRow.module.css';

export const ROW_HEIGHT = 58;
export const ROW_HEIGHT_NARROW = 86;

const TONES: Partial<Record<JobSummary['state'], ProgressTone>> = { done: 'ok', failed: 'bad', cancelled: 'neutral' };
const PREPARING: ReadonlySet<string> = new Set(['analysing', 'probing', 'quoted', 'funding']);
/** A new thumbnail for each twentieth of progress is enough for a list. */
const THUMBNAIL_STEPS = 20;

export const JobRow = memo(function JobRow({ job }: { job: JobSummary }) {
  const m = useMessages();
  // Commands make no pictures.
  const commands = job.kind === 'commands';
  const version =
    job.tasks_verified > 0 && !commands ? 1 + Math.floor((job.progress_permille / 1000) * THUMBNAIL_STEPS) : 0;
  const ended = job.state === 'done' || job.state === 'failed' || job.state === 'cancelled';
  return (
    <Link to={`/jobs/${job.id}`} className={styles.row}>
      <Thumbnail job={job.id} frame={null} version={version} style={{ width: 72, height: 42 }} />
      <span className={styles.words}>
        <span className={styles.name} title={job.name}>
          {job.name}
        </span>
        <span className={styles.note}>
          <Ago at={job.created_at} />
          <span>{commands ? m.common.tasks(job.tasks) : m.common.frames(job.frames)}</span>
          {job.priority !== 0 && <span>{m.jobs.priority(job.priority)}</span>}
        </span>
      </span>
      <span className={styles.state}>
        <StateBadge state={job.paused && !ended ? 'paused' : job.state} />
      </span>
      <span className={styles.progress}>
        {PREPARING.has(job.state) ? (
          <span className={styles.small}>{m.jobs.before[job.state as 'quoted']}</span>
        ) : job.problem && !job.tasks_verified ? (
          <span className={styles.problem} title={job.problem.detail}>
            <Icon name="alert" size={14} />
            {job.problem.title}
          </span>
        ) : (
          <>
            <ProgressBar
              permille={job.progress_permille}
              label={m.jobs.progressOf(job.name)}
              tone={job.paused ? 'warn' : (TONES[job.state] ?? 'accent')}
            />
            <span className={styles.note}>
              <span>{Math.floor(job.progress_permille / 10)} %</span>
              <span>
                {commands
                  ? m.jobs.tasksDone(job.tasks_verified, job.tasks)
                  : m.jobs.framesDone(job.frames_finished, job.frames)}
              </span>
            </span>
          </>
        )}
      </span>
      <span className={styles.eta}>
        {job.eta_s != null && (
          <>
            <Span seconds={job.eta_s} />
            <span className={styles.small}>{m.jobs.left}</span>
          </>
        )}
      </span>
      <span className={styles.money}>
        {PREPARING.has(job.state) ? (
          <span className={styles.small}>
            {m.jobs.atMost} <Money amount={job.budget} />
          </span>
        ) : (
          <>
            <Money amount={job.paid} />
            <span className={styles.small}>
              {m.jobs.of} <Money amount={job.budget} />
            </span>
          </>
        )}
      </span>
    </Link>
  );
});
