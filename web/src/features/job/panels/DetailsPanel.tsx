// Everything else there is to know about a job: scene, settings, money, settlement, audits, what was found.
import { memo } from 'react';
import { api } from '@/api/client';
import { useResource } from '@/api/resource';
import type { JobView } from '@/api/types';
import { formatFrames } from '@/app/frameList';
import { Link } from '@/app/router';
import { useMessages } from '@/i18n';
import { Facts } from '@/ui/Facts';
import { Icon } from '@/ui/Icon';
import { Count, Id, Moment, Money } from '@/ui/Values';
import styles from './DetailsPanel.module.css';

export const DetailsPanel = memo(function DetailsPanel({ job }: { job: JobView }) {
  const m = useMessages();
  const d = m.job.details;
  const { facts, quote, resolution, settlement, escrow } = job;
  // Nobody checks what commands write.
  const audit = useResource(`job/${job.id}/audit`, async (signal) =>
    job.kind === 'commands' ? null : api.audit(job.id, { signal }),
  );
  const findings = facts?.findings ?? [];
  return (
    <div className={styles.panel}>
      <Facts
        facts={[
          [d.id, <code key="id">{job.id}</code>],
          [d.created, <Moment key="created" at={job.created_at} />],
          job.started_at != null && [d.started, <Moment key="started" at={job.started_at} />],
          job.finished_at != null && [d.finished, <Moment key="finished" at={job.finished_at} />],
          [d.priority, String(job.priority)],
          facts && [d.renderer, `${facts.renderer}, ${facts.engine} ${facts.engine_version}`],
          resolution && [d.resolution, `${resolution.width} × ${resolution.height} px`],
          quote?.samples ? [d.samples, <Count key="samples" value={quote.samples} />] : null,
          job.frame_numbers.length > 0 && [d.frames, formatFrames(job.frame_numbers)],
          job.settings.format != null && [d.format, job.settings.format],
        ]}
      />
      <Facts
        facts={[
          [d.budget, <Money key="budget" amount={job.budget} />],
          [d.deposited, <Money key="deposited" amount={escrow.deposited} />],
          [d.paid, <Money key="paid" amount={escrow.paid} />],
          [d.refunded, <Money key="refunded" amount={escrow.refunded} />],
          [d.locked, <Money key="locked" amount={escrow.locked} />],
          settlement.transactions.length > 0 && [
            d.transactions,
            <span key="transactions" className={styles.transactions}>
              {settlement.transactions.map((hash) => (
                <Link key={hash} to={`/chain/transactions/${hash}`}>
                  <Id id={hash} />
                </Link>
              ))}
              <Count value={settlement.gas_used} unit={d.gas} />
            </span>,
          ],
          audit.data !== null && [d.audits, d.auditsText(audit.data.drawn, audit.data.passed, audit.data.failed)],
        ]}
      />
      {findings.length > 0 && (
        <section>
          <h2>{d.findings}</h2>
          <ul className={styles.findings}>
            {findings.map((finding) => (
              <li key={`${finding.code}${finding.message}`}>
                <Icon name={finding.severity === 'note' ? 'info' : 'alert'} />
                <span>
                  {finding.message}
                  {finding.remedy && <span className={styles.note}>{finding.remedy}</span>}
                </span>
              </li>
            ))}
          </ul>
        </section>
      )}
    </div>
  );
});
