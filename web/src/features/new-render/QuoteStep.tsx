// The job on its way to the quote, then the quote: what it costs, how long it takes, what that assumes; start, or change
// something. Nothing is paid before the start.
import { useEffect, useState } from 'react';
import type { JobView, Quote } from '@/api/types';
import { navigate } from '@/app/router';
import { useJob } from '@/features/job/useJob';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Facts } from '@/ui/Facts';
import { Icon } from '@/ui/Icon';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import { Section } from '@/ui/Page';
import { ProgressBar } from '@/ui/ProgressBar';
import { toast, toastFailure } from '@/ui/Toast';
import { Bytes, Count, Money, Span } from '@/ui/Values';
import { BudgetSlider } from './BudgetSlider';
import { nearestPoint } from './curve';
import { changeSomething, start, startOver } from './draft';
import styles from './NewRenderView.module.css';

/** Runs an action of the draft once; its failure is said where it cannot be missed. */
function useAction() {
  const [busy, setBusy] = useState(false);
  const run = async (action: () => Promise<void>) => {
    setBusy(true);
    try {
      await action();
    } catch (error) {
      toastFailure(error);
      setBusy(false);
    }
  };
  return { busy, run };
}

function ChangeButton({ ended }: { ended: boolean }) {
  const m = useMessages();
  const { busy, run } = useAction();
  return (
    <Button icon="arrowLeft" busy={busy} onClick={() => run(() => changeSomething(ended))}>
      {m.newRender.change}
    </Button>
  );
}

function QuoteFacts({ quote }: { quote: Quote }) {
  const m = useMessages();
  const n = m.newRender;
  const p = m.job.preparing;
  return (
    <Facts
      facts={[
        [p.price, <Money key="price" amount={quote.price} />],
        [
          p.time,
          <span key="time">
            <Span seconds={quote.time_s} />{' '}
            <span className={styles.hint}>
              {p.between} <Span seconds={quote.time_low_s} /> {p.and} <Span seconds={quote.time_high_s} />
            </span>
          </span>,
        ],
        quote.resolution && [n.picture, `${quote.resolution.width} × ${quote.resolution.height} px`],
        quote.samples ? [n.samples, <Count key="samples" value={quote.samples} />] : null,
        [n.frames, <Count key="frames" value={quote.frames} />],
        [p.tasks, `${m.common.tasks(quote.tasks)} (${n.cut(quote.tiles, quote.slices)})`],
        [n.result, <Bytes key="result" bytes={quote.result_bytes} />],
      ]}
    />
  );
}

function Quoted({ job, quote }: { job: JobView; quote: Quote }) {
  const m = useMessages();
  const n = m.newRender;
  const curve = quote.curve ?? [];
  const quoted = nearestPoint(curve, quote.budget);
  const [at, setAt] = useState(quoted);
  const { busy, run } = useAction();
  const other = at === quoted ? undefined : curve[at];
  const begin = () =>
    run(async () => {
      const id = await start(other?.budget);
      toast(m.job.actions.started);
      navigate(`/jobs/${id}`);
    });
  return (
    <>
      <div className={styles.sectionBody}>
        {curve.length > 1 ? (
          <BudgetSlider curve={curve} at={at} onChange={setAt} />
        ) : (
          <p className={styles.statement}>
            {n.atMost} <Money amount={quote.budget} />, {n.about} <Span seconds={quote.time_s} />,{' '}
            {m.common.nodes(quote.providers)}
          </p>
        )}
        <QuoteFacts quote={quote} />
        {quote.assumptions.length > 0 && (
          <div>
            <strong>{m.job.preparing.assumptions}</strong>
            <ul className={styles.assumed}>
              {quote.assumptions.map((each) => (
                <li key={each}>{each}</li>
              ))}
            </ul>
          </div>
        )}
        <p className={styles.hint}>{m.job.preparing.quotedDetail}</p>
        {/* Always there, so that moving the slider moves nothing else. */}
        <p className={styles.hint} role="status">
          {other ? n.otherBudget : n.quotedBudget}
        </p>
      </div>
      <div className={styles.foot}>
        <ChangeButton ended={job.state !== 'quoted'} />
        <Button kind="primary" icon="play" busy={busy} onClick={begin}>
          {m.job.actions.start}
        </Button>
      </div>
    </>
  );
}

function Underway({ job }: { job: JobView }) {
  const m = useMessages();
  const p = m.job.preparing;
  const step = job.state === 'analysing' ? 'analysing' : 'probing';
  return (
    <>
      <div className={styles.sectionBody} role="status">
        <ol className={styles.stages}>
          {(['analysing', 'probing'] as const).map((each) => {
            const past = step === 'probing' && each === 'analysing';
            return (
              <li key={each} data-state={past ? 'past' : each === step ? 'now' : 'ahead'}>
                <Icon name={past ? 'check' : each === step ? 'half' : 'circle'} />
                <div>
                  <strong>{p[each]}</strong>
                  <p>{p[`${each}Detail`]}</p>
                </div>
              </li>
            );
          })}
        </ol>
        <ProgressBar permille={null} label={p[step]} />
      </div>
      <div className={styles.foot}>
        <ChangeButton ended={false} />
      </div>
    </>
  );
}

export function QuoteStep({ id }: { id: string }) {
  const m = useMessages();
  const n = m.newRender;
  const { data: job, failure, reload } = useJob(id);
  const state = job?.state;
  // Started from elsewhere, for instance by the command line.
  const begun = state === 'funding' || state === 'rendering' || state === 'settling' || state === 'done';
  useEffect(() => {
    if (!begun) return;
    startOver();
    navigate(`/jobs/${id}`);
  }, [begun, id]);
  return (
    <div className={styles.quote}>
      <Section title={job?.name ?? n.step.quote}>
        {failure && (
          <div className={styles.sectionBody}>
            <ProblemNote failure={failure} onRetry={reload} />
          </div>
        )}
        {!job && !failure && (
          <div className={styles.sectionBody}>
            <Skeleton height={200} />
          </div>
        )}
        {job && (state === 'analysing' || state === 'probing') && <Underway job={job} />}
        {job && state === 'quoted' && (job.quote ? <Quoted job={job} quote={job.quote} /> : <Underway job={job} />)}
        {job && (state === 'failed' || state === 'cancelled') && (
          <>
            <div className={styles.sectionBody}>
              {job.problem ? <ProblemNote problem={job.problem} /> : <p>{n.cancelled}</p>}
            </div>
            <div className={styles.foot}>
              <ChangeButton ended />
            </div>
          </>
        )}
      </Section>
    </div>
  );
}
