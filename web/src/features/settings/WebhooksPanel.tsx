// Webhooks: addresses this node calls when something happens. How the last call went is said in words.
import { api } from '@/api/client';
import type { Webhook } from '@/api/types';
import { useMessages } from '@/i18n';
import { KeptList } from './KeptList';
import { NewWebhookDialog } from './NewWebhookDialog';
import styles from './SettingsView.module.css';

function About({ hook }: { hook: Webhook }) {
  const s = useMessages().settings;
  const last = () => {
    if (hook.failures > 0) return s.webhookFailing(hook.failures, hook.last_status ?? null);
    return hook.last_status == null ? s.webhookUnused : s.webhookFine(hook.last_status);
  };
  return (
    <>
      <code>{hook.url}</code>
      <span className={styles.about}>
        <span>{hook.events.join(', ')}</span>
        <span className={hook.failures > 0 ? styles.bad : undefined}>{last()}</span>
      </span>
    </>
  );
}

export function WebhooksPanel() {
  const s = useMessages().settings;
  return (
    <KeptList
      resource="webhooks"
      read={api.webhooks}
      title={s.webhooks}
      hint={s.webhooksHint}
      none={s.noWebhooks}
      add={s.newWebhook}
      adding={(onClose) => <NewWebhookDialog onClose={onClose} />}
      linesExpected={2}
      about={(hook) => <About hook={hook} />}
      removal={{
        label: s.remove,
        nameOf: (hook) => hook.url,
        title: () => s.deleteWebhookTitle,
        question: (hook) => (
          <>
            <p>{s.deleteWebhookText}</p>
            <code>{hook.url}</code>
          </>
        ),
        call: api.deleteWebhook,
        done: s.webhookDeleted,
      }}
    />
  );
}
