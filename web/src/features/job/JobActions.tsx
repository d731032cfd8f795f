// What one can do with a job, by its state: one main action as a button, the rest in a menu. What spends or ends asks.
import { useState } from 'react';
import { api } from '@/api/client';
import type { JobView } from '@/api/types';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Menu, type MenuItem } from '@/ui/Menu';
import { CancelDialog, PriorityDialog, RenameDialog } from './dialogs/Dialogs';
import { DuplicateDialog } from './dialogs/DuplicateDialog';
import { RetryDialog } from './dialogs/RetryDialog';
import { hasEnded } from './useJob';
import { useJobCall } from './useJobCall';

type Asking = 'cancel' | 'duplicate' | 'priority' | 'rename' | 'retry';

export function JobActions({ job }: { job: JobView }) {
  const m = useMessages();
  const a = m.job.actions;
  const [asking, setAsking] = useState<Asking | null>(null);
  const { busy, run } = useJobCall(job);
  const ended = hasEnded(job.state);
  const close = () => setAsking(null);

  const items: MenuItem[] = [
    ...(job.kind === 'commands'
      ? []
      : [{ label: a.duplicate, icon: 'copy' as const, onChoose: () => setAsking('duplicate') }]),
    { label: a.rename, onChoose: () => setAsking('rename') },
  ];
  if (!ended) {
    items.push({ label: a.priority, onChoose: () => setAsking('priority') });
    items.push({ label: a.cancel, icon: 'stop', danger: true, onChoose: () => setAsking('cancel') });
  }
  return (
    <>
      {job.state === 'rendering' &&
        (job.paused ? (
          <Button kind="primary" icon="play" busy={busy} onClick={() => run(() => api.resumeJob(job.id), a.resumed)}>
            {a.resume}
          </Button>
        ) : (
          <Button icon="pause" busy={busy} onClick={() => run(() => api.pauseJob(job.id), a.paused)}>
            {a.pause}
          </Button>
        ))}
      {(job.state === 'failed' || job.state === 'cancelled') && (
        <Button kind="primary" icon="retry" onClick={() => setAsking('retry')}>
          {a.retry}
        </Button>
      )}
      <Menu label={a.more} items={items} />
      {asking === 'cancel' && <CancelDialog job={job} onClose={close} />}
      {asking === 'duplicate' && <DuplicateDialog job={job} onClose={close} />}
      {asking === 'priority' && <PriorityDialog job={job} onClose={close} />}
      {asking === 'rename' && <RenameDialog job={job} onClose={close} />}
      {asking === 'retry' && <RetryDialog job={job} onClose={close} />}
    </>
  );
}
