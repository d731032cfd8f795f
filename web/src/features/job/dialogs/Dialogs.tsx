// Small questions about a job: cancel (says what becomes of the money), priority, name.
import { type FormEvent, useState } from 'react';
import { api } from '@/api/client';
import type { JobView } from '@/api/types';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { Facts } from '@/ui/Facts';
import { Field, Input } from '@/ui/Field';
import { Money } from '@/ui/Values';
import { useJobCall } from '../useJobCall';

interface Props {
  job: JobView;
  onClose: () => void;
}

export function CancelDialog({ job, onClose }: Props) {
  const m = useMessages();
  const { busy, run } = useJobCall(job);
  const cancel = async () => {
    if (await run(() => api.cancelJob(job.id), m.job.actions.cancelled)) onClose();
  };
  return (
    <Dialog
      title={m.job.cancelDialog.title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{m.job.cancelDialog.keep}</Button>
          <Button kind="danger" busy={busy} onClick={cancel}>
            {m.job.actions.cancel}
          </Button>
        </>
      }
    >
      <p>{m.job.cancelDialog.text}</p>
      <Facts
        facts={[
          [m.job.cancelDialog.paidSoFar, <Money key="paid" amount={job.paid} />],
          [m.job.cancelDialog.comesBack, <Money key="back" amount={job.escrow.locked} />],
        ]}
      />
    </Dialog>
  );
}

const MOST_PRIORITY = 100;

export function PriorityDialog({ job, onClose }: Props) {
  const m = useMessages();
  const { busy, run } = useJobCall(job);
  const [priority, setPriority] = useState(String(job.priority));
  const value = Number(priority);
  const valid = Number.isInteger(value) && Math.abs(value) <= MOST_PRIORITY;
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (await run(() => api.patchJob(job.id, { priority: value }), m.common.saved)) onClose();
  };
  return (
    <Dialog
      title={m.job.priorityDialog.title}
      onClose={onClose}
      actions={
        <Button kind="primary" type="submit" form="priority" busy={busy} disabled={!valid}>
          {m.common.save}
        </Button>
      }
    >
      <form id="priority" onSubmit={save}>
        <Field label={m.job.priorityDialog.label} hint={m.job.priorityDialog.text}>
          {(ids) => (
            <Input
              {...ids}
              type="number"
              min={-MOST_PRIORITY}
              max={MOST_PRIORITY}
              value={priority}
              onChange={(event) => setPriority(event.target.value)}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}

export function RenameDialog({ job, onClose }: Props) {
  const m = useMessages();
  const { busy, run } = useJobCall(job);
  const [name, setName] = useState(job.name);
  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (await run(() => api.patchJob(job.id, { name: name.trim() }), m.job.actions.renamed)) onClose();
  };
  return (
    <Dialog
      title={m.job.renameDialog.title}
      onClose={onClose}
      actions={
        <Button kind="primary" type="submit" form="rename" busy={busy} disabled={!name.trim()}>
          {m.common.save}
        </Button>
      }
    >
      <form id="rename" onSubmit={save}>
        <Field label={m.job.renameDialog.label}>
          {(ids) => <Input {...ids} value={name} maxLength={200} onChange={(event) => setName(event.target.value)} />}
        </Field>
      </form>
    </Dialog>
  );
}
