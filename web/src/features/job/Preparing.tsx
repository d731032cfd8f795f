// A job before its first pixel: where it is on the way to the quote, then the quote and the start.
import { api } from '@/api/client';
import type { JobState, JobView } from '@/api/types';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Facts } from '@/ui/Facts';
import { Icon } from '@/ui/Icon';
import { Count, Money, Span } from '@/ui/Values';
import styles from './Preparing.module.css';
import { useJobCall } from './useJobCall';

const STEPS = ['analysing', 'probing', 'quoted', 'funding'] as const;

function QuoteView({ job }: { job: JobView }) {
  const m = useMessages();
  const p = m.job.preparing;
  const { busy, run } = useJobCall(job);
  const quote = job.quote;
  if (!quote) return null;
  return (
    <div className={styles.quote}>
      <Facts
        facts={[
          [p.price, <Money key="price" amount={quote.price} />],
          [p.budget, <Money key="budget" amount={quote.budget} />],
          [
            p.time,
            <span key="time">
              <Span seconds={quote.time_s} />
              <span className={styles.note}>
                {' '}
                {p.between} <Span seconds={quote.time_low_s} /> {p.and} <Span seconds={quote.time_high_s} />
              </span>
            </span>,
          ],
          [p.tasks, <Count key="tasks" value={quote.tasks} />],
          [p.nodes, <Count key="nodes" value={quote.providers} />],
        ]}
      />
      {quote.assumptions.length > 0 && (
        <p className={styles.note}>
          {p.assumptions}: {quote.assumptions.join('; ')}.
        </p>
      )}
      {job.state === 'quoted' && (
        <Button
          kind="primary"
          icon="play"
          busy={busy}
          onClick={() => run(() => api.startJob(job.id), m.job.actions.started)}
        >
          {m.job.actions.start}
        </Button>
      )}
    </div>
  );
}

export function Preparing({ job }: { job: JobView }) {
  const m = useMessages();
  const p = m.job.preparing;
  const at = STEPS.indexOf(job.state as Extract<JobState, (typeof STEPS)[number]>);
  return (
    <div className={styles.preparing}>
      <ol className={styles.steps} aria-label={p.steps}>
        {STEPS.map((step, i) => (
          <li
            key={step}
            data-state={i < at ? 'past' : i === at ? 'now' : 'ahead'}
            aria-current={i === at ? 'step' : undefined}
          >
            <Icon name={i < at ? 'check' : i === at ? 'half' : 'circle'} />
            <div>
              <h2>{p[step]}</h2>
              {i === at && <p>{p[`${step}Detail`]}</p>}
              {step === 'quoted' && i <= at && <QuoteView job={job} />}
            </div>
          </li>
        ))}
      </ol>
    </div>
  );
}
