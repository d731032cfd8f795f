// Adds a webhook: where to call, about what. The secret that signs the calls is shown once, here.
import { type FormEvent, useState } from 'react';
import { api } from '@/api/client';
import { type Failure, toFailure } from '@/api/problem';
import { invalidate } from '@/api/resource';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { CopyLine } from '@/ui/Copy';
import { Dialog } from '@/ui/Dialog';
import { Checkbox, Field, Input } from '@/ui/Field';
import { ProblemNote } from '@/ui/Notes';
import styles from './SettingsView.module.css';

/** The node's events that are worth a call; tasks and log lines come by the thousand and are for the event stream. */
const EVENTS = ['job', 'output', 'providers', 'block'] as const;

function isAddress(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

export function NewWebhookDialog({ onClose }: { onClose: () => void }) {
  const m = useMessages();
  const s = m.settings;
  const [url, setUrl] = useState('');
  const [events, setEvents] = useState<readonly string[]>(['job']);
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const [secret, setSecret] = useState<string | null>(null);
  const valid = isAddress(url.trim());

  const create = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setFailure(null);
    try {
      const made = await api.createWebhook({ url: url.trim(), events: [...events] });
      setSecret(made.secret);
      invalidate('webhooks');
    } catch (error) {
      setFailure(toFailure(error));
    } finally {
      setBusy(false);
    }
  };
  if (secret) {
    return (
      <Dialog
        title={s.webhookMade}
        onClose={onClose}
        actions={
          <Button kind="primary" onClick={onClose}>
            {s.haveIt}
          </Button>
        }
      >
        <p>{s.secretOnce}</p>
        <CopyLine text={secret} what={s.secret} />
      </Dialog>
    );
  }
  const toggle = (name: string) =>
    setEvents((old) => (old.includes(name) ? old.filter((each) => each !== name) : [...old, name]));
  return (
    <Dialog
      title={s.newWebhook}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{m.common.cancel}</Button>
          <Button kind="primary" type="submit" form="new-webhook" busy={busy} disabled={!valid || events.length === 0}>
            {s.add}
          </Button>
        </>
      }
    >
      <form id="new-webhook" className={styles.form} onSubmit={create}>
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
        {failure && <ProblemNote failure={failure} />}
      </form>
    </Dialog>
  );
}
