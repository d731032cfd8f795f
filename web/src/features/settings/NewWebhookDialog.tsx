// Adds a webhook: where to call, about what. The secret that signs the calls is shown once, here.
import { useState } from 'react';
import { api } from '@/api/client';
import type { NewWebhook } from '@/api/types';
import { useMessages } from '@/i18n';
import { Checkbox, Field, Input } from '@/ui/Field';
import { SecretDialog } from './SecretDialog';
import styles from './SettingsView.module.css';

/** The node's events that are worth a call; tasks and log lines come by the thousand and are for the event stream. */
const EVENTS = ['job', 'output', 'providers', 'block'] as const satisfies NewWebhook['events'];
type Event = (typeof EVENTS)[number];

function isAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

export function NewWebhookDialog({ onClose }: { onClose: () => void }) {
  const s = useMessages().settings;
  const [url, setUrl] = useState('');
  const [events, setEvents] = useState<readonly Event[]>(['job']);
  const valid = isAddress(url.trim());
  const make = async () => (await api.createWebhook({ url: url.trim(), events: [...events] })).secret;
  const toggle = (name: Event) =>
    setEvents((old) => (old.includes(name) ? old.filter((each) => each !== name) : [...old, name]));
  return (
    <SecretDialog
      resource="webhooks"
      title={s.newWebhook}
      submit={s.add}
      valid={valid && events.length > 0}
      make={make}
      made={{ title: s.webhookMade, text: s.secretOnce, secret: s.secret }}
      onClose={onClose}
    >
      <Field label={s.webhookUrl} error={url.trim() !== '' && !valid ? s.webhookUrlWrong : null}>
        {(ids) => (
          <Input
            {...ids}
            type="url"
            placeholder="https://example.org/hook"
            value={url}
            onChange={(event) => setUrl(event.target.value)}
          />
        )}
      </Field>
      <fieldset className={styles.choices}>
        <legend>{s.webhookEvents}</legend>
        {EVENTS.map((name) => (
          <Checkbox
            key={name}
            label={s.webhookEvent[name]}
            checked={events.includes(name)}
            onChange={() => toggle(name)}
          />
        ))}
      </fieldset>
    </SecretDialog>
  );
}
