// Retrying a job that failed or was cancelled: what went wrong, what a retry is and costs, then a new job.
import { useState } from 'react';
import { api } from '@/api/client';
import type { JobView } from '@/api/types';
import { navigate } from '@/app/router';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { Checkbox } from '@/ui/Field';
import { ProblemNote } from '@/ui/Notes';
import { toastFailure } from '@/ui/Toast';
import { Money } from '@/ui/Values';

export function RetryDialog({ job, onClose }: { job: JobView; onClose: () => void }) {
  const m = useMessages();
  const [startNow, setStartNow] = useState(false);
  const [busy, setBusy] = useState(false);
  const retry = async () => {
    setBusy(true);
    try {
      const made = await api.retryJob(job.id, startNow);
      onClose();
      navigate(`/jobs/${made.id}`);
    } catch (error) {
      toastFailure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={m.job.retryDialog.title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{m.common.cancel}</Button>
          <Button kind="primary" icon="retry" busy={busy} onClick={retry}>
            {m.job.actions.retry}
          </Button>
        </>
      }
    >
      {job.problem && <ProblemNote problem={job.problem} />}
      <p>{m.job.retryDialog.text}</p>
      <Checkbox
        label={m.job.retryDialog.startNow}
        hint={
          <>
            {m.job.retryDialog.startHint}: <Money amount={job.budget} />
          </>
        }
        checked={startNow}
        onChange={(event) => setStartNow(event.target.checked)}
      />
    </Dialog>
  );
}
