// One attempt: task, node, state, how long; opened, it says why the node was chosen, how it ended, and what it logged.
import { useState } from 'react';
import { api } from '@/api/client';
import { useResource } from '@/api/resource';
import type { AttemptView } from '@/api/types';
import { NodeSwatch } from '@/features/picture/NodeSwatch';
import { useMessages } from '@/i18n';
import { StateBadge } from '@/ui/Badge';
import { Icon } from '@/ui/Icon';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import { Ago, Money, Span } from '@/ui/Values';
import styles from './AttemptsPanel.module.css';

function AttemptLog({ job, attempt }: { job: string; attempt: number }) {
  const m = useMessages();
  const { data, failure, reload } = useResource(`job/${job}/log/${attempt}`, (signal) =>
    api.log(job, attempt, { signal }),
  );
  if (failure && !data) return <ProblemNote failure={failure} onRetry={reload} />;
  if (!data) return <Skeleton lines={3} />;
  if (data.lines.length === 0) return <p className={styles.note}>{m.job.attempts.logEmpty}</p>;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keys
    <pre className={styles.log} tabIndex={0} role="log" aria-label={m.job.attempts.log}>
      {data.lines.map((line) => line.text).join('\n')}
    </pre>
  );
}

export function AttemptItem({ job, attempt, open: openAtFirst }: { job: string; attempt: AttemptView; open: boolean }) {
  const m = useMessages();
  const a = m.job.attempts;
  const [open, setOpen] = useState(openAtFirst);
  const seconds =
    attempt.started_at && attempt.ended_at
      ? (Date.parse(attempt.ended_at) - Date.parse(attempt.started_at)) / 1000
      : null;
  const id = `attempt-${attempt.id}`;
  return (
    <li className={styles.attempt}>
      <button
        type="button"
        className={styles.summary}
        aria-expanded={open}
        aria-controls={id}
        onClick={() => setOpen(!open)}
      >
        <Icon name={open ? 'chevronDown' : 'chevronRight'} size={14} />
        <span className={styles.what}>
          <span>
            {m.job.task(attempt.task)}
            <span className={styles.note}> · {m.job.frame(attempt.frame)}</span>
          </span>
          <span className={styles.who}>
            <NodeSwatch id={attempt.node} />
            {attempt.purpose === 'audit' && (
              <span className={styles.note}>{attempt.of == null ? a.purpose.audit : a.auditOf(attempt.of)}</span>
            )}
          </span>
        </span>
        <span className={styles.how}>
          <StateBadge state={attempt.state} />
          <span className={styles.note}>
            {seconds === null ? <Ago at={attempt.granted_at} /> : <Span seconds={seconds} />}
          </span>
        </span>
      </button>
      {open && (
        <div id={id} className={styles.more}>
          <h2>{a.why}</h2>
          <p>{attempt.reason}</p>
          {attempt.ended_reason && (
            <>
              <h2>{a.ended}</h2>
              <p className={attempt.state === 'failed' ? styles.bad : undefined}>{attempt.ended_reason}</p>
            </>
          )}
          <p className={styles.note}>
            {attempt.cpu_ms != null && (
              <>
                {a.cpu} <Span seconds={attempt.cpu_ms / 1000} /> ·{' '}
              </>
            )}
            <Money amount={attempt.price_per_wu_hour} /> {a.price}
          </p>
          <h2>{a.log}</h2>
          <AttemptLog job={job} attempt={attempt.id} />
        </div>
      )}
    </li>
  );
}
