// A dialog that makes another job out of one, a retry or a duplicate, and goes there.
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import type { JobSummary } from '@/api/types';
import { navigate } from '@/app/router';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import type { IconName } from '@/ui/Icon';
import { toastFailure } from '@/ui/Toast';
import styles from './AnotherJobDialog.module.css';

interface Props {
  title: string;
  submit: string;
  icon?: IconName;
  valid?: boolean;
  make: () => Promise<JobSummary>;
  onClose: () => void;
  children: ReactNode;
}

export function AnotherJobDialog({ title, submit, icon, valid = true, make, onClose, children }: Props) {
  const m = useMessages();
  const form = useId();
  const [busy, setBusy] = useState(false);
  const create = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    try {
      const made = await make();
      onClose();
      navigate(`/jobs/${made.id}`);
    } catch (error) {
      toastFailure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{m.common.cancel}</Button>
          <Button kind="primary" icon={icon} type="submit" form={form} busy={busy} disabled={!valid}>
            {submit}
          </Button>
        </>
      }
    >
      <form id={form} className={styles.form} onSubmit={create}>
        {children}
      </form>
    </Dialog>
  );
}
