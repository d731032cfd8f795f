// Retrying a job that failed or was cancelled: what went wrong, what a retry is and costs, then a new job.
import { useState } from 'react';
import { api } from '@/api/client';
import type { JobView } from '@/api/types';
import { useMessages } from '@/i18n';
import { Checkbox } from '@/ui/Field';
import { ProblemNote } from '@/ui/Notes';
import { Money } from '@/ui/Values';
import { AnotherJobDialog } from './AnotherJobDialog';

export function RetryDialog({ job, onClose }: { job: JobView; onClose: () => void }) {
  const m = useMessages();
  const r = m.job.retryDialog;
  const [startNow, setStartNow] = useState(false);
  return (
    <AnotherJobDialog
      title={r.title}
      submit={m.job.actions.retry}
      icon="retry"
      make={() => api.retryJob(job.id, startNow)}
      onClose={onClose}
    >
      {job.problem && <ProblemNote problem={job.problem} />}
      <p>{r.text}</p>
      <Checkbox
        label={r.startNow}
        hint={
          <>
            {r.startHint}: <Money amount={job.budget} />
          </>
        }
        checked={startNow}
        onChange={(event) => setStartNow(event.target.checked)}
      />
    </AnotherJobDialog>
  );
}
