// A form that makes something with a secret, a token or a webhook; the secret is shown once, here.
import { type FormEvent, type ReactNode, useId, useState } from 'react';
import { type Failure, toFailure } from '@/api/problem';
import { invalidate } from '@/api/resource';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { CopyLine } from '@/ui/Copy';
import { Dialog } from '@/ui/Dialog';
import { ProblemNote } from '@/ui/Notes';
import styles from './SettingsView.module.css';

interface Props {
  /** Key of the list that has one more entry afterwards. */
  resource: string;
  title: string;
  submit: string;
  valid: boolean;
  /** Answers the secret. */
  make: () => Promise<string>;
  made: { title: string; text: string; secret: string };
  onClose: () => void;
  children: ReactNode;
}

export function SecretDialog({ resource, title, submit, valid, make, made, onClose, children }: Props) {
  const m = useMessages();
  const form = useId();
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [secret, setSecret] = useState<string | null>(null);

  const create = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      setSecret(await make());
      invalidate(resource);
    } catch (error) {
      setFailure(toFailure(error));
    } finally {
      setBusy(false);
    }
  };
  if (secret) {
    return (
      <Dialog
        title={made.title}
        onClose={onClose}
        actions={
          <Button kind="primary" onClick={onClose}>
            {m.settings.haveIt}
          </Button>
        }
      >
        <p>{made.text}</p>
        <CopyLine text={secret} what={made.secret} />
      </Dialog>
    );
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{m.common.cancel}</Button>
          <Button kind="primary" type="submit" form={form} busy={busy} disabled={!valid}>
            {submit}
          </Button>
        </>
      }
    >
      <form id={form} className={styles.form} onSubmit={create}>
        {children}
        {failure && <ProblemNote failure={failure} />}
      </form>
    </Dialog>
  );
}
