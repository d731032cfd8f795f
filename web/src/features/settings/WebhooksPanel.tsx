// Webhooks: addresses this node calls when something happens. How the last call went is said in words.
import { useState } from 'react';
import { api } from '@/api/client';
import { invalidate, useResource } from '@/api/resource';
import type { Webhook } from '@/api/types';
import { useMessages } from '@/i18n';
import { Button, IconButton } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { ProblemNote, Skeleton } from '@/ui/Notes';
import { Section } from '@/ui/Page';
import { toast, toastFailure } from '@/ui/Toast';
import { NewWebhookDialog } from './NewWebhookDialog';
import styles from './SettingsView.module.css';

function DeleteDialog({ hook, onClose }: { hook: Webhook; onClose: () => void }) {
  const m = useMessages();
  const s = m.settings;
  const [busy, setBusy] = useState(false);
  const remove = async () => {
    setBusy(true);
    try {
      await api.deleteWebhook(hook.id);
      invalidate('webhooks');
      toast(s.webhookDeleted);
      onClose();
    } catch (error) {
      toastFailure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={s.deleteWebhookTitle}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{m.common.cancel}</Button>
          <Button kind="danger" busy={busy} onClick={remove}>
            {s.remove}
          </Button>
        </>
      }
    >
      <p>{s.deleteWebhookText}</p>
      <code>{hook.url}</code>
    </Dialog>
  );
}

export function WebhooksPanel() {
  const m = useMessages();
  const s = m.settings;
  const [creating, setCreating] = useState(false);
  const [deleting, setDeleting] = useState<Webhook | null>(null);
  const { data, failure, reload } = useResource('webhooks', (signal) => api.webhooks({ signal }));
  const last = (hook: Webhook) => {
    if (hook.failures > 0) return s.webhookFailing(hook.failures, hook.last_status);
    return hook.last_status === null ? s.webhookUnused : s.webhookFine(hook.last_status);
  };
  return (
    <Section
      title={s.webhooks}
      actions={
        <Button kind="quiet" icon="add" onClick={() => setCreating(true)}>
          {s.newWebhook}
        </Button>
      }
    >
      <div className={styles.body}>
        <p className={styles.hint}>{s.webhooksHint}</p>
        {failure && <ProblemNote failure={failure} onRetry={reload} />}
        {!data && !failure && <Skeleton lines={2} height={40} />}
        {data?.items.length === 0 && <p>{s.noWebhooks}</p>}
      </div>
      {data && data.items.length > 0 && (
        <ul className={styles.items}>
          {data.items.map((hook) => (
            <li key={hook.id} className={styles.item}>
              <span className={styles.words}>
                <code>{hook.url}</code>
                <span className={styles.about}>
                  <span>{hook.events.join(', ')}</span>
                  <span className={hook.failures > 0 ? styles.bad : undefined}>{last(hook)}</span>
                </span>
              </span>
              <IconButton icon="close" label={`${s.remove}: ${hook.url}`} onClick={() => setDeleting(hook)} />
            </li>
          ))}
        </ul>
      )}
      {creating && <NewWebhookDialog onClose={() => setCreating(false)} />}
      {deleting && <DeleteDialog hook={deleting} onClose={() => setDeleting(null)} />}
    </Section>
  );
}
