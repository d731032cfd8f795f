// A new job from the same scene with some settings changed; what is left empty stays as it was.
import { type FormEvent, useState } from 'react';
import { api } from '@/api/client';
import type { JobSettings, JobView } from '@/api/types';
import { formatFrames, parseFrames } from '@/app/frameList';
import { navigate } from '@/app/router';
import { useMessages } from '@/i18n';
import { Button } from '@/ui/Button';
import { Dialog } from '@/ui/Dialog';
import { Checkbox, Field, Input } from '@/ui/Field';
import { toastFailure } from '@/ui/Toast';
import styles from './DuplicateDialog.module.css';

const positive = (text: string) => text === '' || (Number.isInteger(Number(text)) && Number(text) > 0);

export function DuplicateDialog({ job, onClose }: { job: JobView; onClose: () => void }) {
  const m = useMessages();
  const d = m.job.duplicateDialog;
  const [name, setName] = useState('');
  const [frames, setFrames] = useState('');
  const [samples, setSamples] = useState('');
  const [percent, setPercent] = useState('');
  const [keepRaw, setKeepRaw] = useState(job.settings.keep_raw ?? false);
  const [busy, setBusy] = useState(false);
  const parsed = frames.trim() === '' ? undefined : parseFrames(frames);
  const valid = parsed !== null && positive(samples) && positive(percent);

  const duplicate = async (event: FormEvent) => {
    event.preventDefault();
    const changes: JobSettings = { keep_raw: keepRaw, auto_start: false };
    if (name.trim()) changes.name = name.trim();
    if (parsed) changes.frames = parsed;
    if (samples) changes.samples = Number(samples);
    if (percent) changes.resolution = { percent: Number(percent) };
    setBusy(true);
    try {
      const made = await api.duplicateJob(job.id, changes);
      onClose();
      navigate(`/jobs/${made.id}`);
    } catch (error) {
      toastFailure(error);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={d.title}
      onClose={onClose}
      actions={
        <>
          <Button onClick={onClose}>{m.common.cancel}</Button>
          <Button kind="primary" type="submit" form="duplicate" busy={busy} disabled={!valid}>
            {m.job.actions.duplicate}
          </Button>
        </>
      }
    >
      <p>{d.text}</p>
      <form id="duplicate" className={styles.form} onSubmit={duplicate}>
        <Field label={d.name}>
          {(ids) => <Input {...ids} value={name} placeholder={job.name} onChange={(e) => setName(e.target.value)} />}
        </Field>
        <Field label={d.frames} error={parsed === null ? d.framesError : null}>
          {(ids) => (
            <Input
              {...ids}
              value={frames}
              placeholder={formatFrames(job.frame_numbers)}
              onChange={(e) => setFrames(e.target.value)}
            />
          )}
        </Field>
        <div className={styles.pair}>
          <Field label={d.samples} error={positive(samples) ? null : d.number}>
            {(ids) => (
              <Input
                {...ids}
                inputMode="numeric"
                value={samples}
                placeholder={String(job.quote?.samples ?? '')}
                onChange={(e) => setSamples(e.target.value)}
              />
            )}
          </Field>
          <Field label={d.percent} error={positive(percent) ? null : d.number}>
            {(ids) => (
              <Input
                {...ids}
                inputMode="numeric"
                unit="%"
                value={percent}
                placeholder="100"
                onChange={(e) => setPercent(e.target.value)}
              />
            )}
          </Field>
        </div>
        <Checkbox label={d.keepRaw} checked={keepRaw} onChange={(e) => setKeepRaw(e.target.checked)} />
      </form>
    </Dialog>
  );
}
